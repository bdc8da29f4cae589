#include "apps/picture_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "data/class_folders.h"
#include "data/npy.h"
#include "data/picture.h"
#include "data/picture_files.h"

namespace siamc {

namespace {

namespace fs = std::filesystem;

constexpr long most_at_once = 256;  // images that are embedded together
constexpr std::size_t most_picture_bytes = std::size_t{1} << 28;

}  // namespace

PictureEmbedder::PictureEmbedder(TrainedRun& run)
    : run_(run), flags_(run.trained_with()), size_(run.model.picture_size()) {
    if (size_.height == 0)
        fail(Exit::usage, "model {} reads no pictures, grey or of three colours", run.model.name());
    if (flags_.transpose)
        fail(Exit::usage,
             "the run was trained on images that are stored column by column, which pictures are "
             "not\n  write: a run trained on pictures, or without --transpose");
    images_ = {size_.height, size_.width, {}, {}, size_.channels};
}

void PictureEmbedder::add(std::span<const std::uint8_t> file, const std::string& name) {
    const Picture picture = decode_picture(file, size_.channels, name);
    std::vector<std::uint8_t> pixels = resize(picture, size_.height, size_.width, flags_.resize);
    if (flags_.invert) invert(pixels);
    images_.pixels.insert(images_.pixels.end(), pixels.begin(), pixels.end());
    images_.labels.push_back(0);
    if (images_.size() == most_at_once) embed();
}

void PictureEmbedder::embed() {
    const std::vector<float> more = run_.model.embed(run_.parameters, images_);
    images_.pixels.clear();
    images_.labels.clear();
    if (!std::all_of(more.begin(), more.end(), [](float v) { return std::isfinite(v); }))
        fail(Exit::bad_data, "an embedding isn't finite: the run's weights are of no use");
    embeddings_.insert(embeddings_.end(), more.begin(), more.end());
}

std::vector<float> PictureEmbedder::take() {
    if (images_.size() > 0) embed();
    return std::exchange(embeddings_, {});
}

Fingerprint fingerprint_of(const TrainedRun& run) {
    const DataFlags flags = run.trained_with();
    return {run.model.name(), run.weights_sha256,
            fmt::format("{}{}", resize_word(flags.resize), flags.invert ? " inverted" : ""),
            run.model.embedding_size()};
}

void for_each_picture(const std::string& path,
                      const std::function<void(const NamedPicture&)>& each) {
    std::error_code unreadable;  // counts as absent
    const std::string where = fs::absolute(path).string();
    if (fs::is_regular_file(path, unreadable) && has_picture_name(path)) {
        const std::string bytes = read_file(path, most_picture_bytes);
        each({where, "", {bytes.begin(), bytes.end()}});
        return;
    }
    const auto files = open_picture_files(where, has_picture_name);
    if (files->names().empty())
        fail(Exit::missing_input, "{}: holds no pictures: check the path", path);
    const std::vector<std::string_view> classes = class_names(files->names());
    for (std::size_t i = 0; i < files->names().size(); ++i)
        each({files->describe(i), std::string(classes[i]), files->read(i)});
}

bool is_embeddings(const std::string& path) {
    return path.ends_with(".npy");
}

std::vector<float> read_embeddings(const std::string& path, int size) {
    NpyFile file(path);
    const std::vector<std::uint64_t>& shape = file.shape();
    if (file.type().kind != 'f' || file.type().bytes != 4 || shape.size() != 2 ||
        shape[1] != static_cast<std::uint64_t>(size) || shape[0] == 0)
        file.fail(
            fmt::format("holds {}: embeddings of this run are floats [n][{}]\n"
                        "  write: array.astype(numpy.float32) of that shape",
                        file.in_words(), size));
    file.check_length();
    const std::vector<std::uint8_t> bytes = file.values();
    std::vector<float> embeddings(bytes.size() / sizeof(float));
    std::memcpy(embeddings.data(), bytes.data(), bytes.size());
    if (!std::all_of(embeddings.begin(), embeddings.end(),
                     [](float v) { return std::isfinite(v); }))
        file.fail("has a number that is none, or infinite");
    return embeddings;
}

}  // namespace siamc
