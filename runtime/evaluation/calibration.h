// A threshold that means something: where two images are called the same, chosen on images that
// were not trained on and are not tested on, at an operating point that has a name.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "evaluation/accuracy.h"
#include "evaluation/verification.h"

namespace siamc {

// What a threshold is chosen for: as many different pairs accepted as same ones rejected, or at
// most a share of different pairs accepted.
struct OperatingPoint {
    double far = 0;  // 0: equal errors

    bool operator==(const OperatingPoint&) const = default;
};

// "eer", "far:0.01". usage for any other text.
OperatingPoint parse_operating_point(const std::string& text);
std::string to_text(const OperatingPoint& point);

// A share of false alarms among different pairs and the threshold that gives at most that.
struct AlarmThreshold {
    double far = 0, threshold = 0;
};

// Where, on which images, and how often it is wrong there.
struct Calibration {
    OperatingPoint at;
    double threshold = 0;                // same where D < threshold
    Accuracy accepted;                   // of different pairs: false accepts
    Accuracy rejected;                   // of same pairs: false rejects
    long images = 0, classes = 0;        // of the pairs
    bool unseen_classes = false;         // none of them was trained on
    std::string images_hash;             // of all images that there were
    std::string weights_sha256;          // of the weights that gave the distances
    std::vector<AlarmThreshold> alarms;  // rising; ever rarer alarms, for galleries of many
};

// Pairs of images that a calibration looks at, rows interleaved, with their labels: all pairs of up
// to `most` images, which are spread evenly over the classes.
struct CalibrationPairs {
    std::vector<std::int32_t> rows;
    std::vector<float> labels;
};
CalibrationPairs calibration_pairs(const std::vector<int>& labels, long most = 1500);

// usage if there are too few different pairs to speak of such a share: fewer than 1 / far.
void check_pairs(const OperatingPoint& at, long different);

// The threshold and its errors. Errors as check_pairs.
Calibration calibrate(const PairDistances& distances, const OperatingPoint& at);

// The threshold at which a stranger who is compared with `comparisons` others is taken for one of
// them with probability `far` at most, as if comparisons were independent: each may then be wrong
// with 1 - (1 - far)^(1 / comparisons). Where that is rarer than what was measured, the strictest
// threshold that was; `far` is then what that amounts to.
AlarmThreshold alarm_threshold(const Calibration& calibration, double far, long comparisons);

nlohmann::ordered_json to_json(const Calibration& calibration);
// bad_data, naming the file, if it is not what to_json gives.
Calibration calibration_from(const nlohmann::ordered_json& object, const std::string& file);

}  // namespace siamc
