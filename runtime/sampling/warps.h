// Augmentation: training images drawn a little otherwise, by affine and elastic deformations
// (Simard, Steinkraus and Platt 2003).
#pragma once

#include <cstdint>

#include "data/image_set.h"

namespace siamc {

// How far images are deformed. A grid of points lies over the image; they move, and what lies
// between them goes along.
struct Warp {
    // The points are mapped by a matrix whose four entries are up to so far from the identity's: a
    // mixture of turns, stretches and slants, the same for the whole image.
    double affine = 0;
    double elastic = 0;  // and each moves by up to so many pixels more, on its own

    bool is_none() const { return affine == 0 && elastic == 0; }
};

// The image as it is deformed in an epoch: a pure function of image, warp, seed, epoch and number.
// What comes from outside is 0, what falls between pixels is interpolated. `to` has the image's
// size.
class ImageWarper {
  public:
    ImageWarper(const ImageSet& images, Warp warp, std::uint64_t seed)
        : images_(images), warp_(warp), seed_(seed) {}

    void warp(std::uint32_t epoch, long number, std::uint8_t* to) const;

  private:
    const ImageSet& images_;
    Warp warp_;
    std::uint64_t seed_;
};

}  // namespace siamc
