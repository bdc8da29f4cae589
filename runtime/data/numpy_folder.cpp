#include "data/numpy_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <regex>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/folders.h"
#include "data/formats.h"
#include "data/packed_file.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_header = 4096;  // numpy's own have 118 bytes

fs::path numpy_file(const fs::path& folder, const char* axis, bool test) {
    return folder / fmt::format("{}_{}.npy", axis, test ? "test" : "train");
}

// A file whose header has been read.
struct NumpyFile {
    explicit NumpyFile(const fs::path& path) : file(path) {}

    PackedFile file;
    char kind = 0;  // 'u': unsigned, 'i': signed
    std::uint64_t value_bytes = 0;
    std::vector<std::uint64_t> shape;

    std::uint64_t bytes() const {
        std::uint64_t product = value_bytes;
        for (const std::uint64_t extent : shape) product *= extent;
        return product;
    }
};

[[noreturn]] void fail_file(const NumpyFile& numpy, const std::string& what) {
    fail(Exit::bad_data, "{}: {}", numpy.file.name(), what);
}

std::string read_text(NumpyFile& numpy, std::size_t length) {
    std::vector<std::uint8_t> bytes(length);
    if (numpy.file.read(bytes) < length)
        fail_file(numpy, "the file ends within its header: it is cut short, write it again");
    return {bytes.begin(), bytes.end()};
}

// Of the format's versions 1 to 3: its length, little-endian, and then a Python dictionary.
std::string read_dictionary(NumpyFile& numpy) {
    const std::string start = read_text(numpy, 8);
    const int version = start[6];
    if (start.compare(0, 6, "\x93NUMPY") != 0 || version < 1 || version > 3)
        fail_file(numpy, "not one of numpy's files: check that numpy.save wrote it");
    const std::string length_bytes = read_text(numpy, version == 1 ? 2 : 4);
    std::size_t length = 0;
    for (std::size_t i = length_bytes.size(); i-- > 0;)
        length = length << 8 | static_cast<std::uint8_t>(length_bytes[i]);
    if (length > longest_header)
        fail_file(numpy, fmt::format("its header has {} bytes, more than any array's", length));
    return read_text(numpy, length);
}

void parse_dictionary(NumpyFile& numpy, const std::string& text) {
    static const std::regex type("'descr': *'([<|])([ui])([1248])'"),
        fortran("'fortran_order': *True"), shape("'shape': *\\(([0-9, ]*)\\)"), number("[0-9]+");
    std::smatch found;
    if (!std::regex_search(text, found, type))
        fail_file(numpy,
                  "holds no little-endian integers\n  write: array.astype(numpy.uint8) for "
                  "images, numpy.int32 for labels, before numpy.save");
    numpy.kind = found[2].str()[0];
    numpy.value_bytes = static_cast<std::uint64_t>(found[3].str()[0] - '0');
    if (std::regex_search(text, fortran))
        fail_file(numpy,
                  "is stored column by column\n  write: numpy.ascontiguousarray(array) "
                  "before numpy.save");
    if (!std::regex_search(text, found, shape)) fail_file(numpy, "its header has no shape");
    const std::string extents = found[1];
    for (std::sregex_iterator at(extents.begin(), extents.end(), number), end; at != end; ++at) {
        const std::string digits = at->str();
        numpy.shape.push_back(digits.size() > 10 ? std::uint64_t{1} << 32 : std::stoull(digits));
    }
}

std::string numpy_in_words(const NumpyFile& numpy) {
    return fmt::format("{} values of {} bytes", fmt::join(numpy.shape, " x "), numpy.value_bytes);
}

// The data must be as long as the header says; gzipped ones, at least able to be.
void check_numpy_length(const NumpyFile& numpy) {
    const std::uint64_t most = numpy.file.most_bytes();
    if (numpy.bytes() <= most - std::min(most, numpy.file.position())) return;
    fail_file(numpy, fmt::format("announces {}, more than a file of {} bytes can hold: it is cut "
                                 "short, write it again",
                                 numpy_in_words(numpy), numpy.file.file_bytes()));
}

std::unique_ptr<NumpyFile> open_file(const fs::path& folder, const char* axis, bool test,
                                     const DataRequest& request) {
    const fs::path path = numpy_file(folder, axis, test);
    std::error_code unreadable;  // counts as absent
    if (!fs::exists(path, unreadable))
        fail(Exit::missing_input, "{}: there is no file {}: check the folder{}", folder.string(),
             path.filename().string(), advice_without(test, request));
    auto numpy = std::make_unique<NumpyFile>(path);
    parse_dictionary(*numpy, read_dictionary(*numpy));
    return numpy;
}

// Images and their labels.
struct NumpyPart {
    std::unique_ptr<NumpyFile> images, labels;

    ImageSize size() const {
        return {static_cast<int>(images->shape[1]), static_cast<int>(images->shape[2])};
    }
};

void check_images(const NumpyFile& images) {
    const std::vector<std::uint64_t>& shape = images.shape;
    const bool is_grey = shape.size() == 3 || (shape.size() == 4 && shape[3] == 1);
    if (images.kind != 'u' || images.value_bytes != 1 || !is_grey)
        fail_file(images, fmt::format("holds {}: images are unsigned bytes, [n][height][width], "
                                      "grey\n  write: array.astype(numpy.uint8) of that shape",
                                      numpy_in_words(images)));
    if (shape[0] == 0 || shape[0] > most_images || std::min(shape[1], shape[2]) == 0 ||
        std::max(shape[1], shape[2]) > longest_side)
        fail_file(images, fmt::format("announces {} images of {} x {}: there must be 1 to {} with "
                                      "sides of 1 to {} pixels",
                                      shape[0], shape[1], shape[2], most_images, longest_side));
    check_numpy_length(images);
}

void check_labels(const NumpyFile& labels, const NumpyFile& images) {
    const std::vector<std::uint64_t>& shape = labels.shape;
    const bool is_line = shape.size() == 1 || (shape.size() == 2 && shape[1] == 1);
    if (!is_line || shape[0] != images.shape[0])
        fail_file(labels, fmt::format("holds {} for the {} images of {}: check that the two files "
                                      "belong together",
                                      numpy_in_words(labels), images.shape[0], images.file.name()));
    check_numpy_length(labels);
}

NumpyPart open_numpy_part(const fs::path& folder, bool test, const DataRequest& request) {
    NumpyPart part{open_file(folder, "x", test, request), open_file(folder, "y", test, request)};
    check_images(*part.images);
    check_labels(*part.labels, *part.images);
    check_size(request, part.size());
    return part;
}

std::vector<std::uint8_t> numpy_values(NumpyFile& numpy) {
    std::vector<std::uint8_t> values;
    try {
        values.resize(numpy.bytes());
    } catch (const std::bad_alloc&) {
        fail(Exit::out_of_memory, "{}: there is not enough memory for its {}", numpy.file.name(),
             numpy_in_words(numpy));
    }
    std::uint8_t more;
    if (numpy.file.read(values) < values.size() || numpy.file.read({&more, 1}) > 0)
        fail_file(numpy, fmt::format("is not as long as the {} that it announces: write it again",
                                     numpy_in_words(numpy)));
    return values;
}

int label_of(const NumpyFile& labels, const std::uint8_t* bytes) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes, labels.value_bytes);  // little-endian, as all processors here are
    const auto unused = static_cast<unsigned>(64 - 8 * labels.value_bytes);
    const auto whole = labels.kind == 'i' ? static_cast<std::int64_t>(value << unused) >> unused
                                          : static_cast<std::int64_t>(value);
    const bool wrapped = labels.kind == 'u' && whole < 0;
    if (wrapped || whole < std::numeric_limits<int>::min() ||
        whole > std::numeric_limits<int>::max())
        fail_file(labels, "has a label beyond 32 bits");
    return static_cast<int>(whole);
}

ImageSet read_numpy_part(NumpyPart& part, bool transposed) {
    if (!part.images) return {};
    ImageSet set{part.size().height, part.size().width, {}, {}};
    const std::vector<std::uint8_t> labels = numpy_values(*part.labels);
    for (std::size_t at = 0; at < labels.size(); at += part.labels->value_bytes)
        set.labels.push_back(label_of(*part.labels, &labels[at]));
    set.pixels = numpy_values(*part.images);
    if (transposed) transpose(set);
    return set;
}

}  // namespace

bool has_numpy_files(const fs::path& data) {
    std::error_code unreadable;  // counts as absent
    return fs::exists(numpy_file(data, "x", false), unreadable) ||
           fs::exists(numpy_file(data, "x", true), unreadable);
}

Dataset load_numpy_files(const fs::path& data, const DataRequest& request) {
    NumpyPart train, test;
    if (request.train) train = open_numpy_part(data, false, request);
    if (request.test) test = open_numpy_part(data, true, request);
    if (train.images && test.images) check_same_size(data, train.size(), test.size());
    return {last_part(data), read_numpy_part(train, request.transposed),
            read_numpy_part(test, request.transposed)};
}

}  // namespace siamc
