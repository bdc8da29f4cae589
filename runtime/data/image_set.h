// Images and their classes as they are stored: 8-bit pixels. No float copy exists anywhere; a train
// step reads these bytes through a list of image numbers.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace siamc {

// Of files: rows of a train step are 32-bit signed image numbers; a side is longer than any
// sensible image has, and short enough that no product of the three overflows.
constexpr std::uint32_t most_images = 0x7FFFFFFF;
constexpr std::uint32_t longest_side = 1 << 15;

struct ImageSet {
    int height = 0, width = 0;            // pixels
    std::vector<std::uint8_t> pixels;     // [size()][height][width][channels], rows top down
    std::vector<int> labels;              // size(); any integers
    int channels = 1;                     // 1: grey; 3: red, green, blue
    std::vector<std::string> names = {};  // names[label], of classes that have some

    long size() const { return static_cast<long>(labels.size()); }
    std::size_t image_bytes() const {
        return static_cast<std::size_t>(height) * static_cast<std::size_t>(width) *
               static_cast<std::size_t>(channels);
    }
    // The image_bytes() of image i, 0 <= i < size().
    const std::uint8_t* image(long i) const {
        return pixels.data() + static_cast<std::size_t>(i) * image_bytes();
    }
    // Of a label that is there: its name, or the number itself.
    std::string class_name(int label) const {
        return names.empty() ? std::to_string(label) : names[static_cast<std::size_t>(label)];
    }
    // How many different labels there are; labels need not be 0 … classes() - 1.
    int classes() const {
        return static_cast<int>(std::set<int>(labels.begin(), labels.end()).size());
    }
};

}  // namespace siamc
