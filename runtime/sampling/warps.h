// Augmentation: training images drawn a little otherwise, by affine and elastic deformations
// (Simard, Steinkraus and Platt 2003), erased parts (Zhong et al. 2020) and brightness.
#pragma once

#include <cstdint>
#include <span>

#include "data/image_set.h"

namespace siamc {

// How training images differ from those that are stored. A grid of points lies over the image;
// they move, and what lies between them goes along.
struct Warp {
    // The points are mapped by a matrix whose four entries are up to so far from the identity's: a
    // mixture of turns, stretches and slants, the same for the whole image.
    double affine = 0;
    double elastic = 0;  // and each moves by up to so many pixels more, on its own

    // The same, each by itself, before that:
    double rotate = 0;  // turned by up to so many degrees, either way
    double scale = 0;   // height and width each times e^-scale to e^scale
    double shear = 0;   // slanted: what is a pixel higher lies up to so many pixels aside
    double flip = 0;    // the share of images that are mirrored, left for right

    // And what is in them:
    double erase = 0;       // a rectangle of up to that share of the image becomes background
    double brightness = 0;  // pixels times 1 - brightness to 1 + brightness

    bool is_none() const;
};

// What flags and recipes know of them, by the same names.
struct WarpKind {
    const char* name;
    double Warp::*amount;
    double most;
    const char* unit;  // "": a share
    const char* help;
};
std::span<const WarpKind> warp_kinds();

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
