// Triplets of images: an anchor, a positive of its class, a negative of another class.
//
// Rows are image numbers, branches interleaved: the images of triplet t are rows[3 * t] (anchor),
// rows[3 * t + 1] (positive) and rows[3 * t + 2] (negative).
#pragma once

#include <cstdint>
#include <vector>

#include "sampling/class_index.h"

namespace siamc {

// Shuffled training triplets. In every epoch each image that has another of its class is the anchor
// of exactly one. The positive
// is uniform over the other images of the anchor's class, the negative over all images of the other
// classes.
class TripletSampler {
  public:
    // labels[i] is the class of image i. bad_data if all classes have one image or if there is only
    // one class.
    TripletSampler(const std::vector<int>& labels, std::uint64_t seed);

    // Triplets in an epoch: the number of images.
    long size() const { return classes_.anchors(); }

    // Fills rows (3 * size()): a pure function of (seed, epoch), epoch >= 0, whatever was drawn
    // before.
    void epoch(int epoch, std::vector<std::int32_t>& rows) const;

  private:
    ClassIndex classes_;
    std::uint64_t seed_;
};

// A fixed set of triplets.
struct TripletSet {
    std::vector<std::int32_t> rows;

    long size() const { return static_cast<long>(rows.size() / 3); }
    // Names the set in reports: equal for equal rows, the same on every machine.
    std::uint64_t hash() const;
};

// One triplet per image that has another of its class, in the images' order. Errors as
// TripletSampler.
TripletSet evaluation_triplets(const std::vector<int>& labels, std::uint64_t seed);

}  // namespace siamc
