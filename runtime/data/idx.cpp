#include "data/idx.h"

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "core/error.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t unsigned_byte = 8;

using Dimensions = std::vector<std::uint32_t>;

void read_header_bytes(PackedFile& file, std::span<std::uint8_t> to) {
    if (file.read(to) == to.size()) return;
    fail(Exit::bad_data,
         "{}:{}: the file ends within its IDX header: it is cut short, fetch it again", file.name(),
         file.position());
}

// `dimensions` of 3 are images, of 1 labels.
Dimensions read_header(PackedFile& file, std::uint8_t dimensions) {
    std::array<std::uint8_t, 4> magic;
    read_header_bytes(file, magic);
    if (magic[0] != 0 || magic[1] != 0) {
        fail(Exit::bad_data,
             "{}:0: not an IDX file: it begins with {:02x} {:02x} instead of 00 00: check that it "
             "is the right file",
             file.name(), magic[0], magic[1]);
    }
    if (magic[2] != unsigned_byte) {
        fail(Exit::bad_data,
             "{}:2: holds values of IDX type 0x{:02x}, but only unsigned bytes (0x08) are read: "
             "convert the file",
             file.name(), magic[2]);
    }
    if (magic[3] != dimensions) {
        fail(Exit::bad_data,
             "{}:3: has {} dimensions instead of {}: images have 3 and labels 1, check that the "
             "two files aren't exchanged",
             file.name(), magic[3], dimensions);
    }
    Dimensions result;
    for (int i = 0; i < dimensions; ++i) {
        std::array<std::uint8_t, 4> bytes;
        read_header_bytes(file, bytes);
        std::uint32_t value = 0;
        for (const std::uint8_t byte : bytes) value = value << 8 | byte;
        result.push_back(value);
    }
    return result;
}

// Whether the file is long enough for what its header announces: "60000 images of 28 x 28".
void check_length(const PackedFile& file, std::uint64_t bytes, const std::string& things) {
    if (bytes <= file.most_bytes() - std::min(file.most_bytes(), file.position())) return;
    fail(Exit::bad_data,
         "{}:4: announces {} ({} bytes), more than a file of {} bytes can hold: it is cut short or "
         "its header is wrong, fetch it again",
         file.name(), things, bytes, file.file_bytes());
}

void read_all(PackedFile& file, std::uint64_t bytes, const std::string& things,
              std::vector<std::uint8_t>& values) {
    // Images seldom pack to less than a sixteenth, so this is enough without growing. If the
    // header lies, no more is set aside than that, and else only as data arrives.
    constexpr std::uint64_t usual_packing = 16;
    constexpr std::uint64_t part = 1 << 20;
    values.reserve(std::min(bytes, usual_packing * file.file_bytes()));
    while (values.size() < bytes) {
        const std::size_t begin = values.size();
        values.resize(begin + std::min(part, bytes - begin));
        const auto to = std::span(values).subspan(begin);
        if (file.read(to) < to.size()) {
            fail(Exit::bad_data,
                 "{}:{}: the data ends here, but the header announces {} ({} bytes): the file is "
                 "cut short, fetch it again",
                 file.name(), file.position(), things, bytes);
        }
    }
    std::uint8_t more;
    const std::uint64_t end = file.position();
    if (file.read({&more, 1}) > 0) {
        fail(Exit::bad_data,
             "{}:{}: has more bytes after the {} that its header announces: check that it is the "
             "right file",
             file.name(), end, things);
    }
}

std::vector<std::uint8_t> read_values(PackedFile& file, std::uint64_t bytes,
                                      const std::string& things) {
    std::vector<std::uint8_t> values;
    try {
        read_all(file, bytes, things, values);
    } catch (const std::bad_alloc&) {
        values = {};
        fail(Exit::out_of_memory,
             "{}: there is not enough memory for its {} ({:.0f} MB): end other programs, raise the "
             "limit that the shell (ulimit -v) or the container sets, or keep fewer images",
             file.name(), things, static_cast<double>(bytes) / 1e6);
    }
    return values;
}

std::string images_in_words(std::uint32_t count, std::uint32_t height, std::uint32_t width) {
    return fmt::format("{} images of {} x {}", count, height, width);
}

std::string labels_in_words(std::uint32_t count) {
    return fmt::format("{} labels", count);
}

}  // namespace

IdxFiles::IdxFiles(const fs::path& images, const fs::path& labels)
    : images_(images), labels_(labels) {
    const Dimensions dims = read_header(images_, 3);
    if (dims[0] > most_images || std::max(dims[1], dims[2]) > longest_side ||
        std::min({dims[0], dims[1], dims[2]}) == 0) {
        fail(Exit::bad_data,
             "{}:4: announces {} images of {} x {}: there must be 1 to {} images with sides of 1 "
             "to {} pixels",
             images_.name(), dims[0], dims[1], dims[2], most_images, longest_side);
    }
    count_ = dims[0];
    height_ = dims[1];
    width_ = dims[2];
    check_length(images_, std::uint64_t{count_} * height_ * width_,
                 images_in_words(count_, height_, width_));

    const std::uint32_t count = read_header(labels_, 1)[0];
    if (count != count_) {
        fail(Exit::bad_data,
             "{}:4: announces {} labels for the {} images of {}: check that the two files belong "
             "together",
             labels_.name(), count, count_, images_.name());
    }
    check_length(labels_, count_, labels_in_words(count_));
}

ImageSet IdxFiles::read() {
    ImageSet set;
    set.height = height();
    set.width = width();
    const auto labels = read_values(labels_, count_, labels_in_words(count_));
    set.labels.assign(labels.begin(), labels.end());
    set.pixels = read_values(images_, std::uint64_t{count_} * height_ * width_,
                             images_in_words(count_, height_, width_));
    return set;
}

}  // namespace siamc
