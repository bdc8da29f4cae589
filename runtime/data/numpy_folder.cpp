#include "data/numpy_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/folders.h"
#include "data/formats.h"
#include "data/npy.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

fs::path numpy_file(const fs::path& folder, const char* axis, bool test) {
    return folder / fmt::format("{}_{}.npy", axis, test ? "test" : "train");
}

std::unique_ptr<NpyFile> open_file(const fs::path& folder, const char* axis, bool test,
                                   const DataRequest& request) {
    const fs::path path = numpy_file(folder, axis, test);
    std::error_code unreadable;  // counts as absent
    if (!fs::exists(path, unreadable))
        fail(Exit::missing_input, "{}: there is no file {}: check the folder{}", folder.string(),
             path.filename().string(), advice_without(test, request));
    return std::make_unique<NpyFile>(path);
}

// Images and their labels.
struct NumpyPart {
    std::unique_ptr<NpyFile> images, labels;

    ImageSize size() const {
        return {static_cast<int>(images->shape()[1]), static_cast<int>(images->shape()[2])};
    }
};

void check_images(const NpyFile& images) {
    const std::vector<std::uint64_t>& shape = images.shape();
    const bool is_grey = shape.size() == 3 || (shape.size() == 4 && shape[3] == 1);
    if (images.type().kind != 'u' || images.type().bytes != 1 || !is_grey)
        images.fail(
            fmt::format("holds {}: images are unsigned bytes, [n][height][width], "
                        "grey\n  write: array.astype(numpy.uint8) of that shape",
                        images.in_words()));
    if (shape[0] == 0 || shape[0] > most_images || std::min(shape[1], shape[2]) == 0 ||
        std::max(shape[1], shape[2]) > longest_side)
        images.fail(
            fmt::format("announces {} images of {} x {}: there must be 1 to {} with "
                        "sides of 1 to {} pixels",
                        shape[0], shape[1], shape[2], most_images, longest_side));
    images.check_length();
}

void check_labels(const NpyFile& labels, const NpyFile& images) {
    const std::vector<std::uint64_t>& shape = labels.shape();
    if (labels.type().kind == 'f')
        labels.fail("holds no integers\n  write: array.astype(numpy.int32) before numpy.save");
    const bool is_line = shape.size() == 1 || (shape.size() == 2 && shape[1] == 1);
    if (!is_line || shape[0] != images.shape()[0])
        labels.fail(
            fmt::format("holds {} for the {} images of {}: check that the two files "
                        "belong together",
                        labels.in_words(), images.shape()[0], images.name()));
    labels.check_length();
}

NumpyPart open_numpy_part(const fs::path& folder, bool test, const DataRequest& request) {
    NumpyPart part{open_file(folder, "x", test, request), open_file(folder, "y", test, request)};
    check_images(*part.images);
    check_labels(*part.labels, *part.images);
    check_size(request, part.size());
    return part;
}

int label_of(const NpyFile& labels, const std::uint8_t* bytes) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes, labels.type().bytes);  // little-endian, as all processors here are
    const auto unused = static_cast<unsigned>(64 - 8 * labels.type().bytes);
    const auto whole = labels.type().kind == 'i'
                           ? static_cast<std::int64_t>(value << unused) >> unused
                           : static_cast<std::int64_t>(value);
    const bool wrapped = labels.type().kind == 'u' && whole < 0;
    if (wrapped || whole < std::numeric_limits<int>::min() ||
        whole > std::numeric_limits<int>::max())
        labels.fail("has a label beyond 32 bits");
    return static_cast<int>(whole);
}

ImageSet read_numpy_part(NumpyPart& part, bool transposed) {
    if (!part.images) return {};
    ImageSet set{part.size().height, part.size().width, {}, {}};
    const std::vector<std::uint8_t> labels = part.labels->values();
    for (std::size_t at = 0; at < labels.size(); at += part.labels->type().bytes)
        set.labels.push_back(label_of(*part.labels, &labels[at]));
    set.pixels = part.images->values();
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
