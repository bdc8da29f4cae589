// PBM, PGM and PPM: "P1" to "P6", width, height and (but for bits) the largest value as decimal
// numbers with white space and # comments between, one white space, then values: decimal (P1 to
// P3), or bits, bytes, or pairs of bytes (P4 to P6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace siamc {

class Netpbm {
  public:
    explicit Netpbm(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    // What is wrong with it, nullptr if nothing is.
    const char* read_header();
    std::int64_t height() const { return height_; }
    std::int64_t width() const { return width_; }
    int channels() const { return kind_ == '3' || kind_ == '6' ? 3 : 1; }
    // As bytes, 255 the brightest; `to`: [height][width][channels].
    const char* read_pixels(std::span<std::uint8_t> to);

  private:
    bool has_bits() const { return kind_ == '1' || kind_ == '4'; }
    void pass_space();
    std::optional<std::int64_t> read_number();
    std::optional<std::int64_t> read_value();
    const char* read_bits(std::span<std::uint8_t> to);

    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
    char kind_ = 0;
    std::int64_t height_ = 0, width_ = 0, largest_ = 1;
};

}  // namespace siamc
