// How well distances tell pairs of the same class from pairs of different ones.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "evaluation/accuracy.h"
#include "evaluation/roc.h"

namespace siamc {

// A threshold and the accuracy that "similar where D < threshold" has with it.
struct Cut {
    double threshold = 0;
    Accuracy accuracy;
};

// A rate, and a threshold for "similar where D < threshold" that gives it on these pairs.
struct Rate {
    double value = 0;  // 0 … 1
    double threshold = 0;
};

// Pairs that a threshold calls similar.
struct Accepted {
    long same = 0, different = 0;
};

// The distances of a set of pairs, sorted once; every question is then answered exactly. Pairs of
// equal distance are never told apart: cuts lie only between distinct distances.
class PairDistances {
  public:
    // labels: 1 same class, 0 different (see sampling/pairs.h). bad_data if a distance isn't
    // finite or if either kind of pair is missing; internal if the numbers of distances and labels
    // differ or a label is neither.
    PairDistances(std::span<const float> distances, std::span<const float> labels);

    long size() const { return same() + different(); }
    long same() const { return steps_.back().same; }
    long different() const { return steps_.back().different; }

    // Of "similar where D < threshold".
    Accepted accepted(double threshold) const;
    Accuracy accuracy(double threshold) const;

    // The most accurate cut, half-way between its neighbours; of equally accurate ones the lowest,
    // which accepts the fewest different pairs. Fitted to these pairs: quote its accuracy only on
    // others.
    Cut best_cut() const;

    // Area under the ROC curve: how probable it is that a same pair is closer than a different one,
    // where equal distances count half. 1 is perfect, 0.5 is guessing, 0 is inverted.
    double roc_auc() const;

    // The error rate at which as many different pairs are accepted as same pairs are rejected, on
    // straight lines between the cuts. The threshold is that of the cut at whose two rates differ
    // least: of two such cuts the lower one.
    Rate equal_error_rate() const;

    // The largest share of same pairs accepted by a cut that accepts at most the share `far` of
    // different pairs, 0 <= far <= 1. Only as fine as 1 / (number of different pairs).
    Rate tar_at_far(double far) const;

  private:
    // Of the cut just above a step.
    Accuracy accuracy_above(std::size_t step) const;
    // A threshold of that cut: half-way to the next distance.
    double threshold_above(std::size_t step) const;

    std::vector<RocStep> steps_;
};

}  // namespace siamc
