#include "data/dataset.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "data/idx.h"
#include "sampling/random.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

// The file "train-images-idx3-ubyte" of the folder under any of the names it goes by.
fs::path find_idx(const fs::path& folder, const std::string& stem, const std::string& ending) {
    const fs::path dashed = folder / (stem + "-" + ending);
    const fs::path dotted = folder / (stem + "." + ending);
    std::error_code unreadable;  // counts as absent
    for (const fs::path& name : {dashed, dotted}) {
        for (const char* suffix : {"", ".gz"}) {
            const fs::path file = name.string() + suffix;
            if (fs::exists(file, unreadable)) return file;
        }
    }
    fail(Exit::missing_input,
         "there is neither {0} nor {0}.gz (nor {1}, nor {1}.gz): check the "
         "folder or fetch the data set",
         dashed.string(), dotted.string());
}

// "data/mnist/" and "." have a last part too.
std::string folder_name(const fs::path& folder) {
    const fs::path path = fs::weakly_canonical(folder);
    return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

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

}  // namespace

Dataset load_dataset(const fs::path& folder) {
    if (std::error_code unreadable; !fs::is_directory(folder, unreadable)) {
        fail(Exit::missing_input, "there is no folder {}: check the path of the data set",
             folder.string());
    }
    const auto read = [&](const std::string& part) {
        return read_idx(find_idx(folder, part + "-images", "idx3-ubyte"),
                        find_idx(folder, part + "-labels", "idx1-ubyte"));
    };
    Dataset data{folder_name(folder), read("train"), read("t10k")};
    if (data.train.height != data.test.height || data.train.width != data.test.width) {
        fail(Exit::bad_data,
             "{}: training images are {} x {}, test images {} x {}: the files don't belong "
             "together",
             folder.string(), data.train.height, data.train.width, data.test.height,
             data.test.width);
    }
    return data;
}

ImageSet take(const ImageSet& set, std::span<const std::int32_t> images) {
    ImageSet part{set.height, set.width, {}, {}};
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

ImageSet take_classes(const ImageSet& set, const std::vector<int>& classes) {
    return take(set, members(set, classes, true));
}

ImageSet without_classes(const ImageSet& set, const std::vector<int>& classes) {
    return take(set, members(set, classes, false));
}

Split split(const ImageSet& set, double fraction, std::uint64_t seed) {
    if (!(fraction > 0 && fraction < 1)) {
        fail(Exit::usage, "a validation fraction of {} is out of range: give one between 0 and 1",
             fraction);
    }
    std::map<int, std::vector<std::int32_t>> by_class;
    for (std::size_t i = 0; i < set.labels.size(); ++i)
        by_class[set.labels[i]].push_back(static_cast<std::int32_t>(i));

    std::vector<std::int32_t> train, validation;
    for (auto& [label, images] : by_class) {
        const auto count = static_cast<long>(images.size());
        const long held_out =
            std::min(std::lround(fraction * static_cast<double>(count)), count - 1);
        shuffle(
            static_cast<std::uint32_t>(count),
            Random(seed, Stream::split, 0, static_cast<std::uint32_t>(label)),
            [&images = images](std::size_t i, std::size_t j) { std::swap(images[i], images[j]); });
        validation.insert(validation.end(), images.begin(), images.begin() + held_out);
        train.insert(train.end(), images.begin() + held_out, images.end());
    }
    std::sort(train.begin(), train.end());
    std::sort(validation.begin(), validation.end());
    return {take(set, train), take(set, validation)};
}

}  // namespace siamc
