// Images grouped by class, and uniform choice of a partner in constant time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sampling/random.h"

namespace siamc {

class ClassIndex {
  public:
    struct Group {
        int label;
        std::int32_t begin, end;  // places in order()
        std::int32_t size() const { return end - begin; }
    };

    // labels[i] is the class of image i: any integers. bad_data if there are more than 2^31 - 1.
    explicit ClassIndex(const std::vector<int>& labels);

    std::int32_t images() const { return static_cast<std::int32_t>(order_.size()); }
    // By rising label; every group has at least one image.
    const std::vector<Group>& groups() const { return groups_; }
    // Image numbers, class by class, rising within a class.
    const std::vector<std::int32_t>& order() const { return order_; }

    // Groups of two images at least. Of the others an image has no partner: it is compared with,
    // but is no anchor.
    std::vector<Group> paired_groups() const;
    // How many images have a partner of their class, and which of them one is, in their order.
    std::int32_t anchors() const { return anchors_; }
    std::int32_t anchor_number(std::int32_t image) const {
        return numbers_[static_cast<std::size_t>(image)];
    }

    // Fails with bad_data unless there are two classes, and two images at least of one of them;
    // `needed_for` names what is made of them, "pairs" or "triplets".
    void require_partners(const std::string& needed_for) const;

    // Uniform over the group's images other than the one at `place` of order().
    std::int32_t same_class(const Group& group, std::int32_t place, Random& random) const {
        const std::int32_t other = group.begin + draw(group.size() - 1, random);
        return at(other >= place ? other + 1 : other);
    }
    // Uniform over all images that aren't in the group.
    std::int32_t other_class(const Group& group, Random& random) const {
        const std::int32_t other = draw(images() - group.size(), random);
        return at(other >= group.begin ? other + group.size() : other);
    }

  private:
    std::int32_t at(std::int32_t place) const { return order_[static_cast<std::size_t>(place)]; }
    static std::int32_t draw(std::int32_t n, Random& random) {
        return static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(n)));
    }

    std::vector<std::int32_t> order_;
    std::vector<Group> groups_;
    std::vector<std::int32_t> numbers_;  // of each image: how many anchors are before it
    std::int32_t anchors_ = 0;
};

}  // namespace siamc
