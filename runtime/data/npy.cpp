#include "data/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <new>
#include <regex>

#include "core/error.h"
#include "core/files.h"

namespace siamc {
namespace {

constexpr std::size_t longest_header = 4096;  // numpy's own have 118 bytes

}  // namespace

NpyFile::NpyFile(const std::filesystem::path& path) : file_(path) {
    parse_dictionary(read_dictionary());
}

std::uint64_t NpyFile::bytes() const {
    std::uint64_t product = type_.bytes;
    for (const std::uint64_t extent : shape_) product *= extent;
    return product;
}

void NpyFile::fail(const std::string& what) const {
    siamc::fail(Exit::bad_data, "{}: {}", name(), what);
}

std::string NpyFile::read_text(std::size_t length) {
    std::vector<std::uint8_t> bytes(length);
    if (file_.read(bytes) < length)
        fail("the file ends within its header: it is cut short, write it again");
    return {bytes.begin(), bytes.end()};
}

// Of the format's versions 1 to 3: its length, little-endian, and then a Python dictionary.
std::string NpyFile::read_dictionary() {
    const std::string start = read_text(8);
    const int version = start[6];
    if (start.compare(0, 6, "\x93NUMPY") != 0 || version < 1 || version > 3)
        fail("not one of numpy's files: check that numpy.save wrote it");
    const std::string length_bytes = read_text(version == 1 ? 2 : 4);
    std::size_t length = 0;
    for (std::size_t i = length_bytes.size(); i-- > 0;)
        length = length << 8 | static_cast<std::uint8_t>(length_bytes[i]);
    if (length > longest_header)
        fail(fmt::format("its header has {} bytes, more than any array's", length));
    return read_text(length);
}

void NpyFile::parse_dictionary(const std::string& text) {
    static const std::regex type("'descr': *'([<|])([uif])([1248])'"),
        fortran("'fortran_order': *True"), shape("'shape': *\\(([0-9, ]*)\\)"), number("[0-9]+");
    std::smatch found;
    if (!std::regex_search(text, found, type))
        fail(
            "holds no little-endian numbers\n  write: array.astype(numpy.uint8) for images, "
            "numpy.int32 for labels, numpy.float32 for embeddings, before numpy.save");
    type_ = {found[2].str()[0], static_cast<std::size_t>(found[3].str()[0] - '0')};
    if (std::regex_search(text, fortran))
        fail(
            "is stored column by column\n  write: numpy.ascontiguousarray(array) before "
            "numpy.save");
    if (!std::regex_search(text, found, shape)) fail("its header has no shape");
    const std::string extents = found[1];
    for (std::sregex_iterator at(extents.begin(), extents.end(), number), end; at != end; ++at) {
        const std::string digits = at->str();
        shape_.push_back(digits.size() > 10 ? std::uint64_t{1} << 32 : std::stoull(digits));
    }
}

std::string NpyFile::in_words() const {
    return fmt::format("{} values of {} bytes", fmt::join(shape_, " x "), type_.bytes);
}

// Gzipped ones must at least be able to be so long.
void NpyFile::check_length() const {
    const std::uint64_t most = file_.most_bytes();
    if (bytes() <= most - std::min(most, file_.position())) return;
    fail(
        fmt::format("announces {}, more than a file of {} bytes can hold: it is cut short, write "
                    "it again",
                    in_words(), file_.file_bytes()));
}

std::vector<std::uint8_t> NpyFile::values() {
    std::vector<std::uint8_t> values;
    try {
        values.resize(bytes());
    } catch (const std::bad_alloc&) {
        siamc::fail(Exit::out_of_memory, "{}: there is not enough memory for its {}", name(),
                    in_words());
    }
    std::uint8_t more;
    if (file_.read(values) < values.size() || file_.read({&more, 1}) > 0)
        fail(fmt::format("is not as long as the {} that it announces: write it again", in_words()));
    return values;
}

void write_npy(const std::filesystem::path& path, NpyType type,
               const std::vector<std::size_t>& shape, std::span<const std::byte> values) {
    const std::string order = type.bytes == 1 ? "|" : "<";
    std::string dictionary =
        fmt::format("{{'descr': '{}{}{}', 'fortran_order': False, 'shape': ({}{}), }}", order,
                    type.kind, type.bytes, fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
    constexpr std::size_t before = 10, boundary = 64;  // so that the values are aligned
    const std::size_t length = before + dictionary.size() + 1;
    dictionary.append((boundary - length % boundary) % boundary, ' ');
    dictionary += '\n';
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes += static_cast<char>(dictionary.size() & 255);
    bytes += static_cast<char>(dictionary.size() >> 8);
    bytes += dictionary;
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size());
    write_file_atomically(path, bytes);
}

}  // namespace siamc
