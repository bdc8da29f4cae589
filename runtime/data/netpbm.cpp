#include "data/netpbm.h"

#include <cstring>

namespace siamc {
namespace {

constexpr std::int64_t largest_number = 65535;

bool is_space(std::uint8_t c) {
    return std::strchr(" \t\n\v\f\r", c) != nullptr && c != 0;
}

}  // namespace

void Netpbm::pass_space() {
    while (at_ < bytes_.size()) {
        if (bytes_[at_] == '#') {
            while (at_ < bytes_.size() && bytes_[at_] != '\n') ++at_;
        } else if (is_space(bytes_[at_])) {
            ++at_;
        } else {
            return;
        }
    }
}

std::optional<std::int64_t> Netpbm::read_number() {
    pass_space();
    std::int64_t number = 0;
    const std::size_t start = at_;
    for (; at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9'; ++at_) {
        number = 10 * number + (bytes_[at_] - '0');
        if (number > largest_number) return {};
    }
    if (at_ == start) return {};
    return number;
}

const char* Netpbm::read_header() {
    kind_ = static_cast<char>(bytes_[1]);
    at_ = 2;
    const auto width = read_number(), height = read_number();
    if (!width || !height) return "does not say how large it is, in numbers up to 65535";
    width_ = *width;
    height_ = *height;
    if (!has_bits()) {
        const auto largest = read_number();
        if (!largest || *largest < 1) return "does not say what its largest value is, 1 to 65535";
        largest_ = *largest;
    }
    const bool whole = at_ < bytes_.size() && is_space(bytes_[at_]);
    if (!whole) return "ends within its header";
    ++at_;
    return nullptr;
}

std::optional<std::int64_t> Netpbm::read_value() {
    if (kind_ == '1') {  // may stand side by side
        pass_space();
        if (at_ == bytes_.size()) return {};
        return bytes_[at_++] - '0';
    }
    if (kind_ < '4') return read_number();
    const std::size_t wide = largest_ > 255 ? 2 : 1;
    if (bytes_.size() - at_ < wide) return {};
    std::int64_t value = bytes_[at_++];
    if (wide == 2) value = 256 * value + bytes_[at_++];
    return value;
}

// Eight a byte, each line from a new one; 1 is black.
const char* Netpbm::read_bits(std::span<std::uint8_t> to) {
    const auto width = static_cast<std::size_t>(width_), line = (width + 7) / 8;
    if (bytes_.size() - at_ < line * static_cast<std::size_t>(height_)) return "is cut short";
    for (std::size_t i = 0; i < to.size(); ++i) {
        const std::size_t x = i % width;
        const std::uint8_t byte = bytes_[at_ + i / width * line + x / 8];
        to[i] = (byte >> (7 - x % 8) & 1) != 0 ? 0 : 255;
    }
    return nullptr;
}

const char* Netpbm::read_pixels(std::span<std::uint8_t> to) {
    if (kind_ == '4') return read_bits(to);
    for (std::uint8_t& pixel : to) {
        const auto value = read_value();
        if (!value) return "is cut short";
        if (*value < 0 || *value > largest_) return "holds values beyond its largest";
        pixel = kind_ == '1' ? (*value != 0 ? 0 : 255)
                             : static_cast<std::uint8_t>((*value * 255 + largest_ / 2) / largest_);
    }
    return nullptr;
}

}  // namespace siamc
