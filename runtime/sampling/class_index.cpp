#include "sampling/class_index.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

#include "core/error.h"

namespace siamc {

ClassIndex::ClassIndex(const std::vector<int>& labels) {
    if (labels.size() > std::numeric_limits<std::int32_t>::max()) {
        fail(Exit::bad_data,
             "{} images are more than the 2147483647 that can be numbered: split the data set",
             labels.size());
    }
    order_.resize(labels.size());
    std::iota(order_.begin(), order_.end(), 0);
    const auto label_of = [&](std::int32_t image) {
        return labels[static_cast<std::size_t>(image)];
    };
    std::stable_sort(order_.begin(), order_.end(),
                     [&](std::int32_t a, std::int32_t b) { return label_of(a) < label_of(b); });
    for (std::int32_t place = 0; place < images(); ++place) {
        const int label = label_of(at(place));
        if (groups_.empty() || groups_.back().label != label)
            groups_.push_back({label, place, place});
        groups_.back().end = place + 1;
    }
    numbers_.assign(order_.size(), 1);
    for (const Group& group : groups_)
        if (group.size() < 2) numbers_[static_cast<std::size_t>(at(group.begin))] = 0;
    for (std::int32_t& number : numbers_) number = std::exchange(anchors_, anchors_ + number);
}

std::vector<ClassIndex::Group> ClassIndex::paired_groups() const {
    std::vector<Group> groups;
    std::copy_if(groups_.begin(), groups_.end(), std::back_inserter(groups),
                 [](const Group& group) { return group.size() >= 2; });
    return groups;
}

void ClassIndex::require_partners(const std::string& needed_for) const {
    if (groups_.size() < 2) {
        fail(Exit::bad_data,
             "{} need images of two classes, but there {} of {}: choose more classes", needed_for,
             groups_.empty() ? "are none" : "are images", groups_.size());
    }
    if (anchors_ == 0)
        fail(Exit::bad_data,
             "{} need two images of a class, and all {} classes have one: add images of each class",
             needed_for, groups_.size());
}

}  // namespace siamc
