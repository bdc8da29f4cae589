#include "evaluation/roc.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "evaluation/accuracy.h"

namespace siamc {
namespace {

double share(long part, long whole) {
    return static_cast<double>(part) / static_cast<double>(whole);
}

// How many steps from the front hold, of steps 1 … that hold before those that don't.
template <typename Holds>
std::size_t steps_while(RocSteps steps, Holds&& holds) {
    return static_cast<std::size_t>(std::partition_point(steps.begin() + 1, steps.end(), holds) -
                                    steps.begin());
}

}  // namespace

std::vector<std::size_t> sort_pairs(std::span<const float> distances,
                                    std::span<const float> labels) {
    if (distances.size() != labels.size())
        fail(Exit::internal, "{} distances, but {} labels", distances.size(), labels.size());
    check_distances(distances);
    long same = 0, different = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (labels[i] != 0 && labels[i] != 1)
            fail(Exit::internal, "label number {} is {}, neither 0 nor 1", i, labels[i]);
        ++(labels[i] == 1 ? same : different);
    }
    if (same == 0 || different == 0) {
        fail(Exit::bad_data, "{} pairs of the same class and {} of different ones: both are needed",
             same, different);
    }
    std::vector<std::size_t> order(distances.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return distances[a] < distances[b]; });
    return order;
}

std::size_t steps_below(RocSteps steps, double threshold) {
    return steps_while(steps, [&](const RocStep& step) { return step.distance < threshold; });
}

double roc_auc(RocSteps steps) {
    double closer = 0;  // same pairs that are closer than a different one, over all different ones
    for (std::size_t i = 1; i < steps.size(); ++i) {
        const auto before = static_cast<double>(steps[i - 1].same);
        const auto here = static_cast<double>(steps[i].same);
        closer +=
            (before + here) / 2 * static_cast<double>(steps[i].different - steps[i - 1].different);
    }
    return closer /
           (static_cast<double>(steps.back().same) * static_cast<double>(steps.back().different));
}

RocCut equal_error_rate(RocSteps steps) {
    const RocStep& all = steps.back();
    const auto accepted = [&](const RocStep& step) {  // of the different pairs
        return share(step.different, all.different);
    };
    const auto excess = [&](const RocStep& step) {  // of accepted over rejected: rises from -1 to 1
        return accepted(step) - share(all.same - step.same, all.same);
    };
    const std::size_t high =
        steps_while(steps, [&](const RocStep& step) { return excess(step) < 0; });
    const RocStep &above = steps[high], &below = steps[high - 1];
    const double part = -excess(below) / (excess(above) - excess(below));
    return {accepted(below) + part * (accepted(above) - accepted(below)),
            std::abs(excess(below)) <= std::abs(excess(above)) ? high - 1 : high};
}

RocCut tar_at_far(RocSteps steps, double far) {
    const std::size_t step =
        steps_while(steps,
                    [&](const RocStep& each) {
                        return share(each.different, steps.back().different) <= far;
                    }) -
        1;
    return {share(steps[step].same, steps.back().same), step};
}

}  // namespace siamc
