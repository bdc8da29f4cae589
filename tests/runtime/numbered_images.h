// Images that tell which ones they are.
#pragma once

#include <cstdint>
#include <vector>

#include "data/image_set.h"

namespace siamc::test {

// Images of 1 x 2 pixels that hold their numbers, with the given labels.
inline ImageSet numbered(const std::vector<int>& labels) {
    ImageSet set{1, 2, {}, labels};
    for (std::size_t i = 0; i < labels.size(); ++i) {
        set.pixels.push_back(static_cast<std::uint8_t>(i >> 8));
        set.pixels.push_back(static_cast<std::uint8_t>(i & 255));
    }
    return set;
}

inline std::vector<int> numbers(const ImageSet& set) {
    std::vector<int> result;
    for (long i = 0; i < set.size(); ++i) result.push_back(set.image(i)[0] * 256 + set.image(i)[1]);
    return result;
}

}  // namespace siamc::test
