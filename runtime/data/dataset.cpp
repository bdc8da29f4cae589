#include "data/dataset.h"

#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "data/formats.h"
#include "data/glyphs.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

// Numbers of the images whose class is (or, with `inside` false, isn't) among `classes`.
std::vector<std::int32_t> members(const ImageSet& set, const std::vector<int>& classes,
                                  bool inside) {
    const std::set<int> present(set.labels.begin(), set.labels.end());
    for (const int label : classes) {
        if (!present.contains(label)) {
            fail(Exit::usage, "there is no image of class {}: the data set has classes {}", label,
                 fmt::join(present, ", "));
        }
    }
    const std::set<int> chosen(classes.begin(), classes.end());
    std::vector<std::int32_t> images;
    for (std::size_t i = 0; i < set.labels.size(); ++i) {
        if (chosen.contains(set.labels[i]) == inside)
            images.push_back(static_cast<std::int32_t>(i));
    }
    if (images.empty())
        fail(Exit::usage, "no image is left of {}: choose other classes", set.labels.size());
    return images;
}

Dataset load_glyphs(const DataRequest& request) {
    if (request.transposed) {
        fail(Exit::usage,
             "--transpose: the built-in glyphs are not stored transposed\n  write: --data glyphs "
             "without it");
    }
    Dataset glyphs = default_glyphs();
    if (request.check_size) request.check_size(glyphs.train.height, glyphs.train.width);
    return glyphs;
}

[[noreturn]] void fail_unrecognised(const fs::path& path) {
    std::error_code unreadable;  // counts as absent
    if (!fs::exists(path, unreadable)) {
        fail(Exit::missing_input, "there is no folder {}: check the path of the data set",
             path.string());
    }
    if (!fs::is_directory(path, unreadable)) {
        const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
        fail(Exit::usage, "--data: {} is not a folder\n  write: --data {}", path.string(),
             folder.string());
    }
    for (fs::directory_iterator at(path, unreadable), end; !unreadable && at != end;
         at.increment(unreadable)) {
        for (const DataFormat& format : data_formats())
            if (fs::is_directory(at->path(), unreadable) && format.recognises(at->path()))
                fail(Exit::missing_input,
                     "--data: the data are in a folder of {}\n  write: --data {}", path.string(),
                     at->path().string());
    }
    std::vector<std::string> known;
    for (const DataFormat& format : data_formats()) known.emplace_back(format.name);
    fail(Exit::missing_input, "{}: holds no data set ({}): check the folder or fetch the data set",
         path.string(), fmt::join(known, ", "));
}

// A quarter turn to the left.
void append_turned(const ImageSet& set, std::size_t image, std::vector<std::uint8_t>& to) {
    const auto side = static_cast<std::size_t>(set.width);
    const auto channels = static_cast<std::size_t>(set.channels);
    for (std::size_t y = 0; y < side; ++y)
        for (std::size_t x = 0; x < side; ++x) {
            const std::size_t from =
                image * set.image_bytes() + (x * side + side - 1 - y) * channels;
            for (std::size_t c = 0; c < channels; ++c) to.push_back(set.pixels[from + c]);
        }
}

Dataset load(const std::string& data, const DataRequest& request) {
    if (data == "glyphs") return load_glyphs(request);
    const fs::path path = data;
    for (const DataFormat& format : data_formats())
        if (format.recognises(path)) return format.load(path, request);
    fail_unrecognised(path);
}

}  // namespace

Dataset load_dataset(const std::string& data, const DataRequest& request) {
    Dataset dataset = load(data, request);
    if (request.inverted)
        for (ImageSet* set : {&dataset.train, &dataset.test}) invert(set->pixels);
    return dataset;
}

std::string images_hash(const ImageSet& set) {
    const int size[] = {set.height, set.width, set.channels};
    XXH64_hash_t hash = XXH64(size, sizeof size, 0);  // each part's hash seeds the next one's
    hash = XXH64(set.pixels.data(), set.pixels.size(), hash);
    hash = XXH64(set.labels.data(), set.labels.size() * sizeof(int), hash);
    return fmt::format("{:016x}", hash);
}

void invert(std::vector<std::uint8_t>& pixels) {
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(255 - pixel);
}

void add_quarter_turns(ImageSet& set) {
    if (set.height != set.width)
        fail(Exit::usage,
             "--quarter-turns: images of {} x {} pixels have no quarter turns\n  write: a model of "
             "square images, or leave it out",
             set.height, set.width);
    if (set.labels.empty()) return;
    const auto [least, most] = std::minmax_element(set.labels.begin(), set.labels.end());
    const long step = long{*most} + 1;
    if (*least < 0 || 4 * step - 1 > std::numeric_limits<int>::max())
        fail(Exit::usage,
             "--quarter-turns: classes {} to {} leave no numbers for others\n  write: "
             "other labels, from 0 on",
             *least, *most);
    const std::size_t images = set.labels.size();
    if (!set.names.empty()) {
        const std::vector<std::string> upright = set.names;
        for (const char* turn : {" turned 90", " turned 180", " turned 270"}) {
            set.names.resize(set.names.size() + static_cast<std::size_t>(step) - upright.size());
            for (const std::string& name : upright) set.names.push_back(name + turn);
        }
    }
    set.labels.reserve(4 * images);
    set.pixels.reserve(4 * set.pixels.size());
    for (std::size_t i = 0; i < 3 * images; ++i) {
        append_turned(set, i, set.pixels);
        set.labels.push_back(set.labels[i] + static_cast<int>(step));
    }
}

void transpose(ImageSet& set) {
    std::vector<std::uint8_t> image(set.image_bytes());
    const auto height = static_cast<std::size_t>(set.height);
    const auto width = static_cast<std::size_t>(set.width);
    for (std::size_t begin = 0; begin < set.pixels.size(); begin += image.size()) {
        for (std::size_t y = 0; y < height; ++y)
            for (std::size_t x = 0; x < width; ++x)
                image[x * height + y] = set.pixels[begin + y * width + x];
        std::copy(image.begin(), image.end(), set.pixels.begin() + static_cast<long>(begin));
    }
    std::swap(set.height, set.width);
}

ImageSet take(const ImageSet& set, std::span<const std::int32_t> images) {
    ImageSet part{set.height, set.width, {}, {}, set.channels, set.names};
    part.pixels.reserve(images.size() * set.image_bytes());
    part.labels.reserve(images.size());
    for (const std::int32_t i : images) {
        if (i < 0 || i >= set.size())
            fail(Exit::internal, "image {} taken from a set of {}", i, set.size());
        part.pixels.insert(part.pixels.end(), set.image(i), set.image(i) + set.image_bytes());
        part.labels.push_back(set.labels[static_cast<std::size_t>(i)]);
    }
    return part;
}

void append(ImageSet& set, const ImageSet& more) {
    set.pixels.insert(set.pixels.end(), more.pixels.begin(), more.pixels.end());
    set.labels.insert(set.labels.end(), more.labels.begin(), more.labels.end());
}

ImageSet take_classes(const ImageSet& set, const std::vector<int>& classes) {
    return take(set, members(set, classes, true));
}

ImageSet without_classes(const ImageSet& set, const std::vector<int>& classes) {
    return take(set, members(set, classes, false));
}

}  // namespace siamc
