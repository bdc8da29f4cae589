// Accuracies and how far to trust them.
#pragma once

#include <span>
#include <vector>

namespace siamc {

struct Interval {
    double low = 0, high = 0;
};

// How many of n answers were right.
struct Accuracy {
    long right = 0, n = 0;  // n > 0

    double value() const { return static_cast<double>(right) / static_cast<double>(n); }
    // The 95 % interval, as if the answers were independent: a little narrow where they share
    // images.
    Interval ci95() const;
};

// Wilson's 95 % interval for a share seen in n independent trials, 0 <= share <= 1, n > 0. It has
// a width even where all trials agree. Always 0 <= low <= share <= high <= 1; low is 0 if the share
// is 0, high is 1 if the share is 1.
Interval wilson95(double share, double n);

// The 95 % interval of a figure from its bootstrap replicates (Efron's percentile interval): from
// the value that 2.5 % of them are below to the one that 97.5 % are below, on straight lines
// between neighbours as numpy.percentile. No width where all agree. usage if there are fewer than
// 100: the ends would be the extremes.
Interval percentile95(std::vector<double> replicates);

// Triplets are right where D(A,P) < D(A,N); equal distances are wrong. The easier measure: never
// beside the accuracy of pairs without saying so. bad_data if a distance isn't finite or there are
// none; internal if the numbers of distances differ.
Accuracy triplet_accuracy(std::span<const float> positive, std::span<const float> negative);

// bad_data, naming the first one, if a distance is NaN or infinite.
void check_distances(std::span<const float> distances);

}  // namespace siamc
