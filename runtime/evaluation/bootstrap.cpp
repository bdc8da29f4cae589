#include "evaluation/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "core/error.h"
#include "sampling/random.h"

namespace siamc {
namespace {

struct VerificationField {
    double VerificationFigures::*figure;
    Interval VerificationIntervals::*interval;
};

constexpr VerificationField verification_fields[] = {
    {&VerificationFigures::roc_auc, &VerificationIntervals::roc_auc},
    {&VerificationFigures::equal_error_rate, &VerificationIntervals::equal_error_rate},
    {&VerificationFigures::tar_at_1_percent, &VerificationIntervals::tar_at_1_percent},
    {&VerificationFigures::tar_at_tenth_percent, &VerificationIntervals::tar_at_tenth_percent},
    {&VerificationFigures::accuracy, &VerificationIntervals::accuracy},
    {&VerificationFigures::far, &VerificationIntervals::far},
    {&VerificationFigures::frr, &VerificationIntervals::frr},
};

void check_rows(std::span<const std::int32_t> rows, std::size_t pairs) {
    if (rows.size() != 2 * pairs) fail(Exit::internal, "{} rows for {} pairs", rows.size(), pairs);
    for (std::size_t i = 0; i < rows.size(); i += 2) {
        if (std::min(rows[i], rows[i + 1]) < 0 || rows[i] == rows[i + 1])
            fail(Exit::internal, "pair number {} is of the images {} and {}", i / 2, rows[i],
                 rows[i + 1]);
    }
}

}  // namespace

PairBootstrap::PairBootstrap(std::span<const std::int32_t> rows, std::span<const float> labels,
                             std::span<const float> distances, double threshold)
    : images_(rows.begin(), rows.end()) {
    const std::vector<std::size_t> order = sort_pairs(distances, labels);
    check_rows(rows, order.size());
    if (std::isnan(threshold)) {
        fail(Exit::bad_data,
             "the threshold is NaN: take one that was fitted to other pairs, or train again");
    }
    std::sort(images_.begin(), images_.end());
    images_.erase(std::unique(images_.begin(), images_.end()), images_.end());
    const auto place = [&](std::int32_t image) {
        return static_cast<std::uint32_t>(std::lower_bound(images_.begin(), images_.end(), image) -
                                          images_.begin());
    };
    steps_.push_back({-std::numeric_limits<double>::infinity(), 0, 0});
    ends_.push_back(0);
    for (const std::size_t i : order) {
        pairs_.push_back({{place(rows[2 * i]), place(rows[2 * i + 1])}, labels[i] == 1});
        if (distances[i] != steps_.back().distance) {
            steps_.push_back({distances[i], 0, 0});
            ends_.push_back(0);
        }
        ends_.back() = pairs_.size();
    }
    cut_ = steps_below(steps_, threshold) - 1;
}

bool PairBootstrap::weigh(std::span<const std::uint32_t> counts,
                          std::vector<RocStep>& steps) const {
    long weights[2] = {0, 0};  // different, same
    std::size_t pair = 0;
    for (std::size_t step = 0; step < steps.size(); ++step) {
        for (; pair < ends_[step]; ++pair) {
            const auto& [images, same] = pairs_[pair];
            weights[same] += long{counts[images[0]]} * long{counts[images[1]]};
        }
        steps[step].different = weights[0];
        steps[step].same = weights[1];
    }
    return weights[0] > 0 && weights[1] > 0;
}

VerificationFigures PairBootstrap::figures_of(RocSteps steps) const {
    const RocStep &all = steps.back(), &accepted = steps[cut_];
    const auto same = static_cast<double>(all.same), different = static_cast<double>(all.different);
    const auto rejected = static_cast<double>(all.same - accepted.same);
    const auto let_in = static_cast<double>(accepted.different);
    return {roc_auc(steps),
            equal_error_rate(steps).value,
            tar_at_far(steps, 0.01).value,
            tar_at_far(steps, 0.001).value,
            (same - rejected + different - let_in) / (same + different),
            let_in / different,
            rejected / same};
}

VerificationFigures PairBootstrap::figures(std::span<const std::uint32_t> counts) const {
    if (counts.size() <= static_cast<std::size_t>(images_.back()))
        fail(Exit::internal, "{} counts, but there is an image {}", counts.size(), images_.back());
    std::vector<std::uint32_t> own;
    for (const std::int32_t image : images_) own.push_back(counts[static_cast<std::size_t>(image)]);
    std::vector<RocStep> steps = steps_;
    if (!weigh(own, steps))
        fail(Exit::bad_data, "no pair of the same class, or none of different ones, has a weight");
    return figures_of(steps);
}

// Each replicate has a generator of its own, so it doesn't depend on those before it. Drawing again
// ends: of any two pairs all images are drawn once in eleven times or more often.
VerificationIntervals PairBootstrap::intervals(int replicates, std::uint64_t seed) const {
    std::vector<VerificationFigures> drawn;
    std::vector<RocStep> steps = steps_;
    std::vector<std::uint32_t> counts(images_.size());
    const auto n = static_cast<std::uint32_t>(images_.size());
    for (int replicate = 0; replicate < replicates; ++replicate) {
        Random random(seed, Stream::bootstrap_images, 0, static_cast<std::uint32_t>(replicate));
        do {
            std::fill(counts.begin(), counts.end(), 0);
            for (std::uint32_t i = 0; i < n; ++i) ++counts[random.below(n)];
        } while (!weigh(counts, steps));
        drawn.push_back(figures_of(steps));
    }
    VerificationIntervals result;
    for (const auto& [figure, interval] : verification_fields) {
        std::vector<double> values;
        for (const VerificationFigures& each : drawn) values.push_back(each.*figure);
        result.*interval = percentile95(std::move(values));
    }
    return result;
}

}  // namespace siamc
