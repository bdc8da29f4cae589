#include "evaluation/accuracy.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/error.h"

namespace siamc {

Interval wilson95(double share, double n) {
    constexpr double z = 1.959963984540054;  // 97.5 % of the normal distribution lie below
    const double spread = z * z / n;
    const double centre = (share + spread / 2) / (1 + spread);
    const double half = z / (1 + spread) * std::sqrt(share * (1 - share) / n + spread / (4 * n));
    // On paper the bounds lie around the share, and on it where it is 0 or 1; rounding could put
    // them an ulp past it.
    return {share == 0 ? 0 : std::clamp(centre - half, 0.0, share),
            share == 1 ? 1 : std::clamp(centre + half, share, 1.0)};
}

Interval Accuracy::ci95() const {
    return wilson95(value(), static_cast<double>(n));
}

Interval percentile95(std::vector<double> replicates) {
    if (replicates.size() < 100) {
        fail(Exit::usage,
             "{} bootstrap replicates are too few for an interval: ask for 100 at least",
             replicates.size());
    }
    std::sort(replicates.begin(), replicates.end());
    const auto at = [&](double part) {
        const double place = part * static_cast<double>(replicates.size() - 1);
        const auto low = static_cast<std::size_t>(place);
        const double next = replicates[std::min(low + 1, replicates.size() - 1)];
        return replicates[low] + (place - static_cast<double>(low)) * (next - replicates[low]);
    };
    return {at(0.025), at(0.975)};
}

void check_distances(std::span<const float> distances) {
    for (std::size_t i = 0; i < distances.size(); ++i) {
        if (!std::isfinite(distances[i])) {
            fail(Exit::bad_data,
                 "distance number {} (from 0) is {}: the weights are NaN or too large; train again "
                 "with a lower learning rate",
                 i, distances[i]);
        }
    }
}

Accuracy triplet_accuracy(std::span<const float> positive, std::span<const float> negative) {
    if (positive.size() != negative.size()) {
        fail(Exit::internal, "{} distances to positives, but {} to negatives", positive.size(),
             negative.size());
    }
    if (positive.empty()) fail(Exit::bad_data, "there are no triplets to evaluate");
    check_distances(positive);
    check_distances(negative);
    Accuracy result;
    result.n = static_cast<long>(positive.size());
    for (std::size_t i = 0; i < positive.size(); ++i) result.right += positive[i] < negative[i];
    return result;
}

}  // namespace siamc
