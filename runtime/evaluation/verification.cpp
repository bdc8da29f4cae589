#include "evaluation/verification.h"

#include <cmath>
#include <limits>

namespace siamc {

PairDistances::PairDistances(std::span<const float> distances, std::span<const float> labels) {
    const std::vector<std::size_t> order = sort_pairs(distances, labels);
    steps_.push_back({-std::numeric_limits<double>::infinity(), 0, 0});
    for (const std::size_t i : order) {
        const double distance = distances[i];
        if (distance != steps_.back().distance)
            steps_.push_back({distance, steps_.back().same, steps_.back().different});
        ++(labels[i] == 1 ? steps_.back().same : steps_.back().different);
    }
}

Accuracy PairDistances::accuracy_above(std::size_t step) const {
    return {steps_[step].same + steps_.back().different - steps_[step].different, size()};
}

Accepted PairDistances::accepted(double threshold) const {
    const RocStep& step = steps_[steps_below(steps_, threshold) - 1];
    return {step.same, step.different};
}

Accuracy PairDistances::accuracy(double threshold) const {
    return accuracy_above(steps_below(steps_, threshold) - 1);
}

Cut PairDistances::best_cut() const {
    std::size_t best = 0;
    for (std::size_t step = 1; step < steps_.size(); ++step)
        if (accuracy_above(step).right > accuracy_above(best).right) best = step;
    return {threshold_above(best), accuracy_above(best)};
}

double PairDistances::threshold_above(std::size_t step) const {
    const double distance = steps_[step].distance;
    if (step + 1 == steps_.size())
        return std::nextafter(distance, std::numeric_limits<double>::infinity());
    const double next = steps_[step + 1].distance;
    if (step == 0) return next;  // nothing is closer than the closest
    return distance + (next - distance) / 2;
}

double PairDistances::roc_auc() const {
    return siamc::roc_auc(steps_);
}

Rate PairDistances::equal_error_rate() const {
    const RocCut cut = siamc::equal_error_rate(steps_);
    return {cut.value, threshold_above(cut.step)};
}

Rate PairDistances::tar_at_far(double far) const {
    const RocCut cut = siamc::tar_at_far(steps_, far);
    return {cut.value, threshold_above(cut.step)};
}

}  // namespace siamc
