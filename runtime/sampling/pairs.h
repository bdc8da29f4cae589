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

// How many of an epoch's pairs are positive: half of them, from some epoch on more. A pair that is
// hard to judge settles where the share of positive ones among its like puts it, so the share moves
// the distance at which both kinds are as likely.
struct PositiveShare {
    double share = 0.5;  // on average; 0.5 to below 1
    int from = 1;        // the first epoch that has it, counted from 1

    // Of the negative pairs of an epoch, counted from 0, the share that gives way to positive ones.
    double of_negatives(int epoch) const { return epoch + 1 < from ? 0 : 2 * share - 1; }
};

// Shuffled training pairs. In every epoch each image is the anchor of exactly one positive and one
// negative pair, so labels are balanced exactly. The positive partner is uniform over the other
// images of the anchor's class, the negative one over all images of the other classes. Where more
// pairs are to be positive, a negative one is replaced, by chance and whatever its images, by a
// second positive one, drawn like the first. Anchors are shuffled; the two pairs of one follow each
// other, a positive one first, so that a step computes the anchor once.
class PairSampler {
  public:
    // labels[i] is the class of image i. bad_data if a class has one image or if there is only one
    // class.
    PairSampler(const std::vector<int>& labels, std::uint64_t seed, PositiveShare positive = {});

    // Pairs in an epoch: twice the number of images.
    long size() const { return 2L * classes_.images(); }

    // Fills rows (2 * size()) and labels (size()): a pure function of (seed, epoch), epoch >= 0,
    // whatever was drawn before.
    void epoch(int epoch, std::vector<std::int32_t>& rows, std::vector<float>& labels) const;

  private:
    ClassIndex classes_;
    std::uint64_t seed_;
    PositiveShare positive_;
};

// A fixed set of pairs.
struct PairSet {
    std::vector<std::int32_t> rows;
    std::vector<float> labels;

    long size() const { return static_cast<long>(labels.size()); }
    // Names the set in reports: equal for equal rows and labels, the same on every machine.
    std::uint64_t hash() const;
};

// The positive and the negative pair of every image, in the images' order: pairs 2 * i and
// 2 * i + 1 have image i as anchor. Errors as PairSampler.
PairSet evaluation_pairs(const std::vector<int>& labels, std::uint64_t seed);

}  // namespace siamc
