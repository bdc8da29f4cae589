#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "core/error.h"
#include "data/class_list.h"
#include "data/dataset.h"
#include "sampling/random.h"

namespace siamc {
namespace {

using Counts = std::map<int, long>;  // images of each class

Counts count_classes(const ImageSet& set) {
    Counts counts;
    for (const int label : set.labels) ++counts[label];
    return counts;
}

long held_out_of(long images, double fraction) {
    return std::min(std::lround(fraction * static_cast<double>(images)), images - 1);
}

// Whether a class of so many images has partners in both parts, or has none in validation.
bool has_partners(long images, double fraction) {
    const long held_out = held_out_of(images, fraction);
    return images == 1 || (held_out != 1 && images - held_out >= 2);
}

bool can_be_split(const Counts& counts, double fraction) {
    long validated = 0;
    for (const auto& [label, images] : counts) {
        if (!has_partners(images, fraction)) return false;
        validated += held_out_of(images, fraction) > 0;
    }
    return validated >= std::min<long>(std::ssize(counts), 2);
}

// The share nearest to the one that was asked for, in hundredths.
std::optional<double> nearest_share(const Counts& counts, double fraction) {
    std::optional<double> nearest;
    for (int percent = 1; percent < 100; ++percent) {
        const double share = percent / 100.0;
        if (!can_be_split(counts, share)) continue;
        if (!nearest || std::abs(share - fraction) < std::abs(*nearest - fraction)) nearest = share;
    }
    return nearest;
}

// What to write instead: another share, or that and the classes that are large enough for one.
std::string cure(const Counts& counts, double fraction) {
    if (const auto share = nearest_share(counts, fraction))
        return fmt::format("--holdout {}", *share);
    constexpr long smallest = 4;  // two images in each part
    Counts large;
    std::set<int> classes;
    for (const auto& [label, images] : counts) {
        if (images < smallest) continue;
        large[label] = images;
        classes.insert(label);
    }
    if (const auto share = nearest_share(large, fraction); share && large.size() >= 2)
        return fmt::format("--holdout {} --classes {}", *share, class_list(classes));
    return "--holdout 0, to validate on the test images";
}

void check_split(const Counts& counts, double fraction) {
    if (can_be_split(counts, fraction)) return;
    for (const auto& [label, images] : counts) {
        if (has_partners(images, fraction)) continue;
        const long held_out = held_out_of(images, fraction);
        fail(Exit::usage,
             "--holdout {}: of the {} images of class {} it leaves {} to train on and {} to "
             "validate on, and pairs and triplets need two of a class\n  write: {}",
             fraction, images, label, images - held_out, held_out, cure(counts, fraction));
    }
    const long most = std::max_element(counts.begin(), counts.end(), [](auto& a, auto& b) {
                          return a.second < b.second;
                      })->second;
    fail(Exit::usage,
         "--holdout {}: validation needs two classes with two images each; there are {} classes "
         "with up to {} images\n  write: {}",
         fraction, counts.size(), most, cure(counts, fraction));
}

// Images of classes that have one are negatives alone; there must be others.
void check_one(const Counts& counts, const char* images) {
    if (counts.size() < 2) {
        fail(Exit::bad_data,
             "all {} {} are of one class, and pairs and triplets need two: add another class, or "
             "choose another data set",
             counts.empty() ? 0 : counts.begin()->second, images);
    }
    const auto pairs = [](const auto& count) { return count.second >= 2; };
    if (std::count_if(counts.begin(), counts.end(), pairs) >= 2) return;
    const int lonely = std::find_if_not(counts.begin(), counts.end(), pairs)->first;
    fail(Exit::bad_data,
         "only one of the {} is of class {}, and pairs and triplets need two of two classes at "
         "least: add images of each class",
         images, lonely);
}

}  // namespace

Split split_images(const ImageSet& set, double fraction, std::uint64_t seed) {
    if (!(fraction > 0 && fraction < 1)) {
        fail(Exit::usage, "--holdout: a share of {} is out of range\n  write: --holdout 0.2",
             fraction);
    }
    check_split(count_classes(set), fraction);
    std::map<int, std::vector<std::int32_t>> by_class;
    for (std::size_t i = 0; i < set.labels.size(); ++i)
        by_class[set.labels[i]].push_back(static_cast<std::int32_t>(i));

    std::vector<std::int32_t> train, validation;
    for (auto& [label, images] : by_class) {
        const auto count = static_cast<long>(images.size());
        const long held_out = held_out_of(count, fraction);
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

void check_comparable(const ImageSet& set, const char* images) {
    check_one(count_classes(set), images);
}

void check_comparable(const Split& sets) {
    check_comparable(sets.train, "training images");
    check_comparable(sets.validation, "validation images");
}

long lonely_classes(const ImageSet& set) {
    const Counts counts = count_classes(set);
    return std::count_if(counts.begin(), counts.end(),
                         [](const auto& count) { return count.second == 1; });
}

}  // namespace siamc
