// Training and validation images, and whether they will do.
#pragma once

#include <cstdint>

#include "data/image_set.h"

namespace siamc {

struct Split {
    ImageSet train, validation;
};

// Parts a training set in two, so that hyper-parameters can be chosen without the test set.
// `fraction` of every class's images (rounded to the nearest number, but never all of them) go to
// validation, chosen at random: a pure function of (set.labels, fraction, seed). Both parts keep
// the set's order.
//
// usage unless 0 < fraction < 1, and if a part then has a single image of a class, which has no
// partner, or validation lacks all classes but one; the message names --holdout and, if there is
// one, a share that will do. A class with one image in all is check_comparable's business.
Split split_images(const ImageSet& set, double fraction, std::uint64_t seed);

// Fails unless pairs and triplets can be drawn from the images: two images at least of two classes.
// bad_data, saying which class it is. `images` names them: "training images". Of other classes a
// single image will do, with which those are compared.
void check_comparable(const ImageSet& set, const char* images);

// The same for training and validation images.
void check_comparable(const Split& sets);

// Classes with a single image.
long lonely_classes(const ImageSet& set);

}  // namespace siamc
