#include "data/idx.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "data/packed_file.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t unsigned_byte = 8;
// Rows of a train step are 32-bit signed image numbers.
constexpr std::uint32_t most_images = std::numeric_limits<std::int32_t>::max();
// More than any sensible image has, and small enough that no product of dimensions overflows.
constexpr std::uint32_t longest_side = 1 << 15;

using Dimensions = std::vector<std::uint32_t>;

fs::path existing(const fs::path& path) {
    std::error_code unreadable;  // counts as absent
    if (fs::exists(path, unreadable)) return path;
    fs::path packed = path;
    packed += ".gz";
    if (fs::exists(packed, unreadable)) return packed;
    fail(Exit::missing_input, "there is neither {} nor {}: check the folder", path.string(),
         packed.string());
}

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

// `things` says what the header announces: "60000 images of 28 x 28".
std::vector<std::uint8_t> read_values(PackedFile& file, std::uint64_t bytes,
                                      const std::string& things) {
    if (bytes > file.most_bytes() - std::min(file.most_bytes(), file.position())) {
        fail(Exit::bad_data,
             "{}:4: announces {} ({} bytes), more than a file of {} bytes can hold: it is cut "
             "short or its header is wrong, fetch it again",
             file.name(), things, bytes, file.file_bytes());
    }
    // Images seldom pack to less than a sixteenth, so this is enough without growing. If the
    // header lies, no more is set aside than that, and else only as data arrives.
    constexpr std::uint64_t usual_packing = 16;
    constexpr std::uint64_t part = 1 << 20;
    std::vector<std::uint8_t> values;
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
    return values;
}

ImageSet read_images(const fs::path& path) {
    PackedFile file(path);
    const Dimensions dims = read_header(file, 3);
    if (dims[0] > most_images || std::max(dims[1], dims[2]) > longest_side ||
        std::min({dims[0], dims[1], dims[2]}) == 0) {
        fail(Exit::bad_data,
             "{}:4: announces {} images of {} x {}: there must be 1 to {} images with sides of 1 "
             "to {} pixels",
             file.name(), dims[0], dims[1], dims[2], most_images, longest_side);
    }
    ImageSet set;
    set.height = static_cast<int>(dims[1]);
    set.width = static_cast<int>(dims[2]);
    set.pixels = read_values(file, std::uint64_t{dims[0]} * dims[1] * dims[2],
                             fmt::format("{} images of {} x {}", dims[0], dims[1], dims[2]));
    return set;
}

}  // namespace

ImageSet read_idx(const fs::path& images, const fs::path& labels) {
    ImageSet set = read_images(existing(images));
    const std::size_t count = set.pixels.size() / set.image_bytes();

    PackedFile file(existing(labels));
    const Dimensions dims = read_header(file, 1);
    if (dims[0] != count) {
        fail(Exit::bad_data,
             "{}:4: announces {} labels for the {} images of {}: check that the two files belong "
             "together",
             file.name(), dims[0], count, images.string());
    }
    const auto values = read_values(file, dims[0], fmt::format("{} labels", dims[0]));
    set.labels.assign(values.begin(), values.end());
    return set;
}

}  // namespace siamc
