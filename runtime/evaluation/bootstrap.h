// How far to trust the figures of pairs: what they might have been with other images.
//
// Pairs share images, and those of an odd image fail together, so pairs drawn anew would give
// intervals that are too narrow. Here images are drawn with replacement, as many as there are, and
// a pair weighs the product of how often its two images were drawn: the vertex bootstrap of T. A.
// B. Snijders, S. P. Borgatti, "Non-parametric standard errors and tests for network statistics",
// Connections 22 (1999), but for the pairs of an image with itself, which don't exist. R. Fogliato,
// P. Patil, P. Perona, "Confidence intervals for error rates in 1:1 matching tasks", IJCV (2024),
// compare it with others for verification. (The "subsets bootstrap" of R. M. Bolle, N. K. Ratha, S.
// Pankanti, CVIU 93 (2004), draws people, each with all its pairs, and is another one.)
//
// It errs to the wide side. The variance of a pair's weight is 3, where that of pairs drawn by
// themselves is 1, so the variance of a pair counts threefold; the covariance of two pairs that
// share an image counts once, as it should. (A. B. Owen, D. Eckles, "Bootstrapping data arrays of
// arbitrary order", Annals of Applied Statistics 6 (2012), doi:10.1214/12-AOAS547; that no
// bootstrap is exact here: P. McCullagh, "Resampling and exchangeable arrays", Bernoulli 6 (2000).)
// With many pairs of each image that is little. With two of a kind, as of evaluation_pairs, the
// intervals are 1.3 to 1.8 times as wide as they need be: of simulated sets they held the truth in
// 99 to 100 %.
//
// Classes are taken as given: the intervals say nothing of classes that were never seen.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/accuracy.h"
#include "evaluation/roc.h"

namespace siamc {

// The figures of PairDistances, in shares of 1; FAR and FRR as of "similar where D < threshold".
template <typename Value>
struct VerificationOf {
    Value roc_auc{}, equal_error_rate{};
    Value tar_at_1_percent{}, tar_at_tenth_percent{};  // at such a FAR
    Value accuracy{};                                  // these three at the threshold
    Value far{}, frr{};  // of different pairs accepted, of same pairs rejected
};
using VerificationFigures = VerificationOf<double>;
using VerificationIntervals = VerificationOf<Interval>;

class PairBootstrap {
  public:
    // rows and labels as PairSet has them. bad_data if a distance isn't finite, the threshold is
    // NaN or either kind of pair is missing; internal if the numbers of distances, labels and rows
    // don't fit together, a label is neither 0 nor 1, or a row is below 0 or both images of a pair
    // are one.
    PairBootstrap(std::span<const std::int32_t> rows, std::span<const float> labels,
                  std::span<const float> distances, double threshold);

    // With image i drawn counts[i] times; all 1 give the figures of the pairs as they are. internal
    // if an image of a pair has no count; bad_data if no pair of a kind has a weight.
    VerificationFigures figures(std::span<const std::uint32_t> counts) const;

    // 95 % percentile intervals, a pure function of the pairs and the two arguments. The images are
    // those in a pair. A replicate without a pair of some kind is drawn again. They have no width
    // where no replicate differs, as without a single error. usage if there are fewer than 100
    // replicates.
    VerificationIntervals intervals(int replicates, std::uint64_t seed) const;

  private:
    struct Pair {
        std::uint32_t images[2];  // places in images_
        bool same;
    };
    // Fills the steps, which have the distances; whether both kinds of pair have weight.
    bool weigh(std::span<const std::uint32_t> counts, std::vector<RocStep>& steps) const;
    VerificationFigures figures_of(RocSteps steps) const;

    std::vector<std::int32_t> images_;  // rising
    std::vector<Pair> pairs_;           // by rising distance
    std::vector<RocStep> steps_;        // without weights
    std::vector<std::size_t> ends_;     // of each step's pairs
    std::size_t cut_;                   // the last step below the threshold
};

}  // namespace siamc
