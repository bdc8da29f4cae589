#include "evaluation/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "sampling/class_index.h"

namespace siamc {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* calibration_format = "siamc calibration 1";

// Every k-th image, class by class.
std::vector<std::int32_t> spread(const std::vector<int>& labels, long most) {
    const std::vector<std::int32_t> all = ClassIndex(labels).order();
    const auto count = static_cast<long>(all.size());
    if (count <= most) return all;
    std::vector<std::int32_t> chosen;
    for (long i = 0; i < most; ++i)
        chosen.push_back(all[static_cast<std::size_t>(i * count / most)]);
    return chosen;
}

// From a half down to one pair, four to a factor of ten.
std::vector<AlarmThreshold> alarm_thresholds(const PairDistances& distances) {
    std::vector<AlarmThreshold> alarms;
    const double rarest = 1 / static_cast<double>(distances.different());
    for (double far = 0.5; far >= rarest; far /= std::pow(10, 0.25))
        alarms.push_back({far, distances.tar_at_far(far).threshold});
    alarms.push_back({rarest, distances.tar_at_far(rarest).threshold});
    std::reverse(alarms.begin(), alarms.end());
    return alarms;
}

Json rate(const Accuracy& wrong) {
    const Interval ci95 = wrong.ci95();
    return {{"rate", wrong.value()},
            {"ci95", Json::array({ci95.low, ci95.high})},
            {"wrong", wrong.right},
            {"pairs", wrong.n}};
}

Accuracy rate_from(const Json& object) {
    const Accuracy wrong{object.at("wrong").get<long>(), object.at("pairs").get<long>()};
    if (wrong.n < 1 || wrong.right < 0 || wrong.right > wrong.n) throw std::domain_error("counts");
    return wrong;
}

double finite(const Json& number) {
    const auto value = number.get<double>();
    if (!std::isfinite(value)) throw std::domain_error("a number that is none");
    return value;
}

}  // namespace

OperatingPoint parse_operating_point(const std::string& text) {
    if (text == "eer") return {};
    double far = 0;
    if (text.starts_with("far:")) {
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data() + 4, end, far);
        if (error != std::errc() || stop != end) far = 0;
    }
    if (!(far > 0 && far < 1))
        fail(Exit::usage,
             "--operating-point: '{}' is none: eer, or far:SHARE with a share of false accepts "
             "above 0 and below 1\n  write: --operating-point far:0.01",
             text);
    return {far};
}

std::string to_text(const OperatingPoint& point) {
    return point.far == 0 ? "eer" : fmt::format("far:{}", point.far);
}

CalibrationPairs calibration_pairs(const std::vector<int>& labels, long most) {
    const std::vector<std::int32_t> images = spread(labels, most);
    CalibrationPairs pairs;
    for (std::size_t i = 0; i < images.size(); ++i)
        for (std::size_t j = i + 1; j < images.size(); ++j) {
            pairs.rows.insert(pairs.rows.end(), {images[i], images[j]});
            const bool same = labels[static_cast<std::size_t>(images[i])] ==
                              labels[static_cast<std::size_t>(images[j])];
            pairs.labels.push_back(same ? 1.0f : 0.0f);
        }
    return pairs;
}

void check_pairs(const OperatingPoint& at, long different) {
    const auto count = static_cast<double>(different);
    if (at.far == 0 || at.far * count >= 1) return;
    fail(Exit::usage,
         "--operating-point {}: {} different pairs of held-out images are too few for so small a "
         "share\n  write: --operating-point far:{:.1g}, or hold out more",
         to_text(at), different, std::min(0.5, 10 / count));
}

Calibration calibrate(const PairDistances& distances, const OperatingPoint& at) {
    check_pairs(at, distances.different());
    Calibration calibration;
    calibration.at = at;
    calibration.threshold = at.far == 0 ? distances.equal_error_rate().threshold
                                        : distances.tar_at_far(at.far).threshold;
    const Accepted accepted = distances.accepted(calibration.threshold);
    calibration.accepted = {accepted.different, distances.different()};
    calibration.rejected = {distances.same() - accepted.same, distances.same()};
    calibration.alarms = alarm_thresholds(distances);
    return calibration;
}

AlarmThreshold alarm_threshold(const Calibration& calibration, double far, long comparisons) {
    const auto count = static_cast<double>(std::max(comparisons, 1L));
    // 1 - (1 - far)^(1 / count), without the loss of digits that small shares would suffer
    const double each = -std::expm1(std::log1p(-far) / count);
    const auto rarer = std::upper_bound(
        calibration.alarms.begin(), calibration.alarms.end(), each,
        [](double share, const AlarmThreshold& alarm) { return share < alarm.far; });
    if (rarer != calibration.alarms.begin()) return {far, (rarer - 1)->threshold};
    const AlarmThreshold& strictest = calibration.alarms.front();
    return {-std::expm1(count * std::log1p(-strictest.far)), strictest.threshold};
}

Json to_json(const Calibration& calibration) {
    Json alarms = Json::array();
    for (const AlarmThreshold& alarm : calibration.alarms)
        alarms.push_back({{"far", alarm.far}, {"threshold", alarm.threshold}});
    return {{"format", calibration_format},
            {"operating_point", to_text(calibration.at)},
            {"threshold", calibration.threshold},
            {"false_accepts", rate(calibration.accepted)},
            {"false_rejects", rate(calibration.rejected)},
            {"images", calibration.images},
            {"classes", calibration.classes},
            {"unseen_classes", calibration.unseen_classes},
            {"images_hash", calibration.images_hash},
            {"weights_sha256", calibration.weights_sha256},
            {"alarms", alarms}};
}

Calibration calibration_from(const Json& object, const std::string& file) {
    try {
        if (object.at("format") != calibration_format) throw std::domain_error("format");
        Calibration calibration;
        calibration.at = parse_operating_point(object.at("operating_point").get<std::string>());
        calibration.threshold = finite(object.at("threshold"));
        calibration.accepted = rate_from(object.at("false_accepts"));
        calibration.rejected = rate_from(object.at("false_rejects"));
        calibration.images = object.at("images").get<long>();
        calibration.classes = object.at("classes").get<long>();
        calibration.unseen_classes = object.at("unseen_classes").get<bool>();
        calibration.images_hash = object.at("images_hash").get<std::string>();
        calibration.weights_sha256 = object.at("weights_sha256").get<std::string>();
        for (const Json& alarm : object.at("alarms"))
            calibration.alarms.push_back({finite(alarm.at("far")), finite(alarm.at("threshold"))});
        if (calibration.alarms.empty()) throw std::domain_error("alarms");
        return calibration;
    } catch (const std::exception& reason) {
        fail(Exit::bad_data,
             "{}: not a calibration ({})\n  write: eval --protocol calibrate, which makes it anew",
             file, reason.what());
    }
}

}  // namespace siamc
