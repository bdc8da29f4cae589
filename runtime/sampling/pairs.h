// Pairs of images, for training and for evaluation.
//
// The project's convention, stated here once: the label of a pair is 1 if both images are of the
// same class (similar) and 0 if they are not. Rows are image numbers, branches interleaved: the
// images of pair p are rows[2 * p] (the anchor) and rows[2 * p + 1] (its partner).
#pragma once

#include <cstdint>
#include <vector>

#include "sampling/class_index.h"

namespace siamc {

// Pairs with the wrong label: a share q of them, from some epoch on. The contrastive loss asks of
// images of two classes to be a margin apart and lets them drift farther; an image that is hard to
// tell then lies far from both. With noise a negative pair costs (1 - q) max(0, margin - D)^2 +
// q D^2 on average, which holds it at D = (1 - q) margin, and a positive one at q margin. (Of
// classifiers: L. Xie, J. Wang, Z. Wei, M. Wang, Q. Tian, "DisturbLabel", CVPR 2016.)
struct LabelNoise {
    double share = 0;  // of the pairs, on average; 0 to below 0.5
    int from = 1;      // the first epoch that has it, counted from 1

    // In an epoch, counted from 0.
    double in(int epoch) const { return epoch + 1 < from ? 0 : share; }
};

// Shuffled training pairs. In every epoch each image that has another of its class is the anchor of
// exactly one positive and one negative pair, so labels are balanced exactly, but for noise. The
// positive partner is uniform over the other images of the anchor's class, the negative one over
// all images of the other classes. Noise changes labels alone, by chance, whatever the images.
// Anchors are shuffled; the two pairs of one follow each other, the positive one first, so that a
// step computes the anchor once.
class PairSampler {
  public:
    // labels[i] is the class of image i. bad_data if all classes have one image or if there is only
    // one class.
    PairSampler(const std::vector<int>& labels, std::uint64_t seed, LabelNoise noise = {});

    // Pairs in an epoch: twice the number of anchors.
    long size() const { return 2L * classes_.anchors(); }

    // Fills rows (2 * size()) and labels (size()): a pure function of (seed, epoch), epoch >= 0,
    // whatever was drawn before.
    void epoch(int epoch, std::vector<std::int32_t>& rows, std::vector<float>& labels) const;

  private:
    ClassIndex classes_;
    std::uint64_t seed_;
    LabelNoise noise_;
};

// A fixed set of pairs.
struct PairSet {
    std::vector<std::int32_t> rows;
    std::vector<float> labels;

    long size() const { return static_cast<long>(labels.size()); }
    // Names the set in reports: equal for equal rows and labels, the same on every machine.
    std::uint64_t hash() const;
};

// The positive and the negative pair of every image that has another of its class, in the images'
// order: pairs 2 * i and 2 * i + 1 have the i-th of them as anchor. Errors as PairSampler.
PairSet evaluation_pairs(const std::vector<int>& labels, std::uint64_t seed);

}  // namespace siamc
