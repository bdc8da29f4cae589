#include "data/holdout.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>
#include <unordered_map>
#include <vector>

#include "core/error.h"
#include "data/dataset.h"
#include "sampling/random.h"

namespace siamc {
namespace {

// Finds images by their pixels.
class PixelIndex {
  public:
    explicit PixelIndex(const ImageSet& set) : set_(set) {
        for (long i = 0; i < set.size(); ++i)
            if (!is_blank(set.image(i))) by_hash_.emplace(hash(set.image(i)), i);
    }

    bool holds(const std::uint8_t* image) const {
        const auto [begin, end] = by_hash_.equal_range(hash(image));
        return std::any_of(begin, end, [&](const auto& entry) {
            return std::memcmp(set_.image(entry.second), image, set_.image_bytes()) == 0;
        });
    }

  private:
    bool is_blank(const std::uint8_t* image) const {
        return std::all_of(image, image + set_.image_bytes(),
                           [&](std::uint8_t value) { return value == *image; });
    }
    std::uint64_t hash(const std::uint8_t* image) const {
        return XXH3_64bits(image, set_.image_bytes());
    }

    const ImageSet& set_;
    std::unordered_multimap<std::uint64_t, long> by_hash_;
};

// Numbers of the training images that validation has too (`shared`), or of the others.
std::vector<std::int32_t> training_images(const Split& sets, bool shared) {
    std::vector<std::int32_t> images;
    const PixelIndex validation(sets.validation);
    for (long i = 0; i < sets.train.size(); ++i)
        if (validation.holds(sets.train.image(i)) == shared)
            images.push_back(static_cast<std::int32_t>(i));
    return images;
}

// Classes that pairs can be drawn from.
std::vector<int> classes_with_pairs(const ImageSet& set) {
    std::set<int> seen, twice;
    for (const int label : set.labels)
        if (!seen.insert(label).second) twice.insert(label);
    return {twice.begin(), twice.end()};
}

Split split_classes(const ImageSet& set, double share, std::uint64_t seed) {
    std::vector<int> classes = classes_with_pairs(set);
    const auto count = static_cast<long>(classes.size());
    if (count < 4)
        fail(Exit::usage,
             "--split class:{}: two classes at least are to train on and two others to validate "
             "on, with two images each, and there are {} such classes\n  write: --split image:{}",
             share, count, share);
    shuffle(static_cast<std::uint32_t>(count), Random(seed, Stream::class_split),
            [&](std::size_t i, std::size_t j) { std::swap(classes[i], classes[j]); });
    const long held_out =
        std::clamp(std::lround(share * static_cast<double>(count)), 2L, count - 2);
    classes.resize(static_cast<std::size_t>(held_out));
    return {without_classes(set, classes), take_classes(set, classes)};
}

}  // namespace

Holdout parse_holdout(const std::string& text) {
    const std::size_t colon = text.find(':');
    const std::string of = text.substr(0, colon);
    double share = 0;
    if (colon != std::string::npos) {
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, share);
        if (error != std::errc() || stop != end) share = 0;
    }
    if ((of != "image" && of != "class") || !(share > 0 && share < 1))
        fail(Exit::usage,
             "--split: '{}' is no part to hold out: image:SHARE or class:SHARE, with a share above "
             "0 and below 1\n  write: --split class:0.2",
             text);
    return {of == "class" ? Holdout::Of::classes : Holdout::Of::images, share};
}

std::string to_text(const Holdout& holdout) {
    return fmt::format("{}:{}", holdout.of == Holdout::Of::classes ? "class" : "image",
                       holdout.share);
}

Split split(const ImageSet& set, const Holdout& holdout, std::uint64_t seed) {
    if (holdout.of == Holdout::Of::classes) return split_classes(set, holdout.share, seed);
    Split sets = split_images(set, holdout.share, seed);
    if (const auto shared = training_images(sets, true); !shared.empty()) {
        append(sets.validation, take(sets.train, shared));
        drop_shared(sets);
    }
    return sets;
}

void check_apart(const Split& sets) {
    const std::vector<std::int32_t> shared = training_images(sets, true);
    if (shared.empty()) return;
    fail(Exit::bad_data,
         "{} of the {} training images are validation images too, the first of them number {}\n"
         "  why: validation would count as recognised what was learnt by heart\n"
         "  write: --drop-shared, which does not train on them",
         shared.size(), sets.train.size(), shared.front());
}

long drop_shared(Split& sets) {
    const long before = sets.train.size();
    sets.train = take(sets.train, training_images(sets, false));
    return before - sets.train.size();
}

}  // namespace siamc
