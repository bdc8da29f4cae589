#include "apps/calibrate_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>

#include "data/dataset.h"

namespace siamc {

namespace {

std::string rate(const Accuracy& wrong) {
    const Interval ci95 = wrong.ci95();
    return fmt::format("{:.3g} % ({:.3g} to {:.3g})", 100 * wrong.value(), 100 * ci95.low,
                       100 * ci95.high);
}

}  // namespace

Calibration calibrate_weights(const CalibratedWeights& weights, const OperatingPoint& at) {
    const CalibrationPairs pairs = calibration_pairs(weights.images.labels);
    const std::vector<float> embeddings = weights.model.embed(weights.parameters, weights.images);
    const PairDistances distances(
        weights.model.distances(weights.parameters, embeddings, pairs.rows), pairs.labels);
    Calibration calibration = calibrate(distances, at);
    const std::set<std::int32_t> looked_at(pairs.rows.begin(), pairs.rows.end());
    calibration.images = static_cast<long>(looked_at.size());
    calibration.classes = weights.images.classes();
    calibration.images_hash = images_hash(weights.images);
    calibration.weights_sha256 = weights.weights_sha256;
    return calibration;
}

void check_measurable(const OperatingPoint& at, const ImageSet& images) {
    const std::vector<float> labels = calibration_pairs(images.labels).labels;
    check_pairs(at, std::count(labels.begin(), labels.end(), 0.0f));
}

std::string describe(const Calibration& calibration) {
    return fmt::format(
        "threshold {:.4g} ({}): of {} held-out images of {} {} classes, {} of different pairs "
        "accepted, {} of same ones rejected",
        calibration.threshold, to_text(calibration.at), calibration.images, calibration.classes,
        calibration.unseen_classes ? "unseen" : "known", rate(calibration.accepted),
        rate(calibration.rejected));
}

}  // namespace siamc
