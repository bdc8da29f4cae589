#include "evaluation/verification.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

#include "core/error.h"

namespace siamc {

PairDistances::PairDistances(std::span<const float> distances, std::span<const float> labels) {
    if (distances.size() != labels.size())
        fail(Exit::internal, "{} distances, but {} labels", distances.size(), labels.size());
    check_distances(distances);
    std::vector<std::size_t> order(distances.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return distances[a] < distances[b]; });

    steps_.push_back({-std::numeric_limits<double>::infinity(), 0, 0});
    for (const std::size_t i : order) {
        if (labels[i] != 0 && labels[i] != 1)
            fail(Exit::internal, "label number {} is {}, neither 0 nor 1", i, labels[i]);
        ++(labels[i] == 1 ? same_ : different_);
        const double distance = distances[i];
        if (distance != steps_.back().distance) steps_.push_back({distance, 0, 0});
        steps_.back().same = same_;
        steps_.back().different = different_;
    }
    if (same_ == 0 || different_ == 0) {
        fail(Exit::bad_data, "{} pairs of the same class and {} of different ones: both are needed",
             same_, different_);
    }
}

Accuracy PairDistances::accuracy_above(const Step& step) const {
    return {step.same + different_ - step.different, size()};
}

Accepted PairDistances::accepted(double threshold) const {
    const auto above =
        std::partition_point(steps_.begin() + 1, steps_.end(),
                             [&](const Step& step) { return step.distance < threshold; });
    return {(above - 1)->same, (above - 1)->different};
}

Accuracy PairDistances::accuracy(double threshold) const {
    const Accepted similar = accepted(threshold);
    return {similar.same + different_ - similar.different, size()};
}

Cut PairDistances::best_cut() const {
    const auto best =
        std::max_element(steps_.begin(), steps_.end(), [&](const Step& a, const Step& b) {
            return accuracy_above(a).right < accuracy_above(b).right;
        });
    return {threshold_above(best), accuracy_above(*best)};
}

double PairDistances::threshold_above(Place step) const {
    const Place next = step + 1;
    if (step == steps_.begin()) return next->distance;  // nothing is closer than the closest
    if (next == steps_.end())
        return std::nextafter(step->distance, std::numeric_limits<double>::infinity());
    return step->distance + (next->distance - step->distance) / 2;
}

double PairDistances::roc_auc() const {
    double closer = 0;  // same pairs that are closer than a different one, over all different ones
    for (std::size_t i = 1; i < steps_.size(); ++i) {
        const auto before = static_cast<double>(steps_[i - 1].same);
        const auto here = static_cast<double>(steps_[i].same);
        closer += (before + here) / 2 *
                  static_cast<double>(steps_[i].different - steps_[i - 1].different);
    }
    return closer / (static_cast<double>(same_) * static_cast<double>(different_));
}

Rate PairDistances::equal_error_rate() const {
    const auto accepted = [&](const Step& step) {  // of the different pairs
        return static_cast<double>(step.different) / static_cast<double>(different_);
    };
    const auto excess = [&](const Step& step) {  // of accepted over rejected: rises from -1 to 1
        return accepted(step) - static_cast<double>(same_ - step.same) / static_cast<double>(same_);
    };
    const auto high = std::partition_point(steps_.begin() + 1, steps_.end(),
                                           [&](const Step& step) { return excess(step) < 0; });
    const auto low = high - 1;
    const double part = -excess(*low) / (excess(*high) - excess(*low));
    const Place nearest = std::abs(excess(*low)) <= std::abs(excess(*high)) ? low : high;
    return {accepted(*low) + part * (accepted(*high) - accepted(*low)), threshold_above(nearest)};
}

Rate PairDistances::tar_at_far(double far) const {
    const auto above =
        std::partition_point(steps_.begin() + 1, steps_.end(), [&](const Step& step) {
            return static_cast<double>(step.different) / static_cast<double>(different_) <= far;
        });
    const Place cut = above - 1;
    return {static_cast<double>(cut->same) / static_cast<double>(same_), threshold_above(cut)};
}

}  // namespace siamc
