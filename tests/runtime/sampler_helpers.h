// What the tests of samplers draw from, and how they count.
#pragma once

#include <algorithm>
#include <map>
#include <vector>

#include "catch.h"
#include "sampling/random.h"

namespace siamc::test {

// Classes of unequal size, mixed, with labels that don't start at 0.
inline std::vector<int> some_labels(int images) {
    std::vector<int> labels;
    Random random(9, Stream::split);
    for (int i = 0; i < images; ++i)
        labels.push_back(10 + static_cast<int>(std::min(random.below(6), random.below(6))));
    return labels;
}

inline int label_of(const std::vector<int>& labels, std::int32_t image) {
    REQUIRE((image >= 0 && image < static_cast<std::int32_t>(labels.size())));
    return labels[static_cast<std::size_t>(image)];
}

inline std::vector<long> values(const std::map<std::int32_t, long>& counts) {
    std::vector<long> result;
    for (const auto& [key, count] : counts) result.push_back(count);
    return result;
}

inline const std::vector<int> three_classes = {0, 1, 2, 0, 1, 2, 0, 1, 2, 1, 2, 2, 0, 0, 1, 2, 2};

}  // namespace siamc::test
