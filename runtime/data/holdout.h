// What is held out of a training set to validate on, and that nothing of it is trained on.
#pragma once

#include <cstdint>
#include <string>

#include "data/split.h"

namespace siamc {

// A share of the images of every class, or of the classes with all of their images: then validation
// says how well classes are told apart that were never seen.
struct Holdout {
    enum class Of { images, classes } of = Of::images;
    double share = 0;  // 0 to below 1; 0: nothing

    bool none() const { return share == 0; }
};

// "image:0.2" and "class:0.2", as --split takes them. usage for any other text.
Holdout parse_holdout(const std::string& text);
std::string to_text(const Holdout& holdout);

// Parts a training set in two: a pure function of (set, holdout, seed). Of images as split_images,
// but that training images which are the same as a validation image validate too. Of classes
// a share of them (rounded to the nearest number), chosen at random, two of each at least; usage
// where there are too few for that. Errors as split_images.
Split split(const ImageSet& set, const Holdout& holdout, std::uint64_t seed);

// bad_data if a training image is the same, pixel by pixel, as a validation image: validation would
// count as recognised what was learnt by heart. Blank images, of one value throughout, may be in
// both: they hold nothing to be learnt.
void check_apart(const Split& sets);

// Leaves such images out of training, and says how many there were.
long drop_shared(Split& sets);

}  // namespace siamc
