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

    // Fails with bad_data unless every image has a partner of its class and one of another;
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
};

}  // namespace siamc
