// What the ROC curve of sorted pairs tells, whether each pair counts once or by a weight.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace siamc {

// The pairs of one distance, with the weight of all that are at most as far: their number, where
// each counts once.
struct RocStep {
    double distance;
    long same, different;
};

// Distances ascending; first a step with nothing in it, last one with pairs of both kinds.
using RocSteps = std::span<const RocStep>;

// The numbers of the pairs by rising distance. labels: 1 same class, 0 different (see
// sampling/pairs.h). bad_data if a distance isn't finite or if either kind of pair is missing;
// internal if the numbers of distances and labels differ or a label is neither.
std::vector<std::size_t> sort_pairs(std::span<const float> distances,
                                    std::span<const float> labels);

// How many steps from the front have pairs below the threshold only; 1 at least.
std::size_t steps_below(RocSteps steps, double threshold);

// As the functions of PairDistances. The cuts are given by the step that they lie above.
double roc_auc(RocSteps steps);
struct RocCut {
    double value;
    std::size_t step;
};
RocCut equal_error_rate(RocSteps steps);
RocCut tar_at_far(RocSteps steps, double far);

}  // namespace siamc
