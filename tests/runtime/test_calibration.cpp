#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "evaluation/calibration.h"
#include "runtime/data_helpers.h"

using namespace siamc;
using namespace siamc::test;
using Json = nlohmann::ordered_json;

namespace {

// Same pairs at 0, 1, ... and different ones at 5, 5.5, ...: they overlap.
PairDistances overlapping(int same, int different) {
    std::vector<float> distances, labels;
    for (int i = 0; i < same; ++i) {
        distances.push_back(static_cast<float>(i));
        labels.push_back(1);
    }
    for (int i = 0; i < different; ++i) {
        distances.push_back(5.25f + static_cast<float>(i) / 2);
        labels.push_back(0);
    }
    return {distances, labels};
}

}  // namespace

TEST_CASE("operating points have names", "[calibration]") {
    CHECK(parse_operating_point("eer") == OperatingPoint{});
    CHECK(parse_operating_point("far:0.01").far == 0.01);
    CHECK(to_text(parse_operating_point("far:0.001")) == "far:0.001");
    CHECK(to_text(OperatingPoint{}) == "eer");
    for (const char* text :
         {"", "far", "far:", "far:0", "far:1", "far:nan", "far:0.1x", "EER", "far:-0.1", "0.01"})
        CHECK(failure_of([&] { parse_operating_point(text); }).code == Exit::usage);
}

TEST_CASE("a threshold is fitted at its operating point", "[calibration]") {
    const PairDistances distances = overlapping(10, 20);
    // At 5.5 one of the different pairs is accepted, 4 of the same ones are rejected; each step on
    // by a half accepts another.
    const Calibration strict = calibrate(distances, {0.05});
    CHECK(strict.accepted.right == 1);
    CHECK(strict.accepted.n == 20);
    CHECK(strict.rejected.right == 4);
    CHECK(strict.rejected.n == 10);
    CHECK(strict.threshold > 5.25);
    CHECK(strict.threshold <= 5.75);

    const Calibration equal = calibrate(distances, {});
    CHECK(std::abs(equal.accepted.value() - equal.rejected.value()) <= 0.1);
    CHECK(equal.threshold == distances.equal_error_rate().threshold);

    const Failure failure = failure_of([&] { calibrate(distances, {0.04}); });
    CHECK(failure.code == Exit::usage);
    CHECK(failure.mentions("20 different pairs"));
    CHECK(failure.mentions("write: --operating-point far:0.5"));
}

TEST_CASE("a gallery's threshold is stricter, the more are compared", "[calibration]") {
    const Calibration calibration = calibrate(overlapping(10, 1000), {});
    const auto share_below = [](double threshold) {  // of the different pairs
        int count = 0;
        for (int i = 0; i < 1000; ++i) count += 5.25f + static_cast<float>(i) / 2 < threshold;
        return count / 1000.0;
    };
    double before = 1e9;
    for (const long comparisons : {1L, 2L, 5L, 10L}) {
        const AlarmThreshold alarm = alarm_threshold(calibration, 0.02, comparisons);
        CHECK(alarm.far == 0.02);
        const double each = share_below(alarm.threshold);
        CHECK(1 - std::pow(1 - each, static_cast<double>(comparisons)) <= 0.02);
        CHECK(each > 0);
        CHECK(alarm.threshold < before);
        before = alarm.threshold;
    }
    // What was measured says nothing below one pair in a thousand.
    const AlarmThreshold many = alarm_threshold(calibration, 0.02, 1000);
    CHECK(share_below(many.threshold) == 0.001);
    CHECK(std::abs(many.far - (1 - std::pow(0.999, 1000))) < 1e-12);
}

TEST_CASE("calibration looks at all pairs of images that are spread over the classes",
          "[calibration]") {
    const CalibrationPairs few = calibration_pairs({3, 3, 5, 3});
    CHECK(few.labels.size() == 6);
    CHECK(std::count(few.labels.begin(), few.labels.end(), 1.0f) == 3);

    std::vector<int> labels;
    for (int i = 0; i < 10000; ++i) labels.push_back(i % 10);
    const CalibrationPairs many = calibration_pairs(labels, 100);
    const std::set<std::int32_t> images(many.rows.begin(), many.rows.end());
    CHECK(images.size() == 100);
    std::vector<int> counts(10);
    for (const std::int32_t image : images) ++counts[static_cast<std::size_t>(image % 10)];
    CHECK(counts == std::vector<int>(10, 10));
    CHECK(many.labels.size() == 100 * 99 / 2);
}

TEST_CASE("a calibration goes through its file", "[calibration]") {
    Calibration calibration = calibrate(overlapping(10, 200), {0.01});
    calibration.images = 12;
    calibration.classes = 3;
    calibration.unseen_classes = true;
    calibration.images_hash = "abc";
    calibration.weights_sha256 = "def";
    const Json object = to_json(calibration);
    const Calibration back = calibration_from(Json::parse(object.dump()), "file");
    CHECK(back.threshold == calibration.threshold);
    CHECK(back.at == calibration.at);
    CHECK(back.alarms.size() == calibration.alarms.size());
    CHECK(to_json(back) == object);

    for (const auto& [key, value] : object.items()) {
        Json lacking = object;
        lacking.erase(key);
        const Failure failure = failure_of([&] { calibration_from(lacking, "the/file"); });
        CHECK(failure.code == Exit::bad_data);
        CHECK(failure.mentions("the/file"));
    }
    Json wrong = object;
    wrong["false_accepts"]["wrong"] = 1'000'000;
    CHECK(failure_of([&] { calibration_from(wrong, "f"); }).code == Exit::bad_data);
    CHECK(failure_of([&] { calibration_from(Json(3), "f"); }).code == Exit::bad_data);
    CHECK(failure_of([&] { calibration_from(Json(), "f"); }).code == Exit::bad_data);
}
