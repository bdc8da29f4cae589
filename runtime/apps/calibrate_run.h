// The threshold of trained weights, fitted to images that they were not trained on.
#pragma once

#include <string>

#include "core/model.h"
#include "evaluation/calibration.h"

namespace siamc {

struct CalibratedWeights {
    Model& model;
    const FloatBuffer& parameters;
    const ImageSet& images;
    std::string weights_sha256;  // of their file
};

// Errors as PairDistances and calibrate; whether the classes are unseen is the caller's to say.
Calibration calibrate_weights(const CalibratedWeights& weights, const OperatingPoint& at);

// usage if the images are too few for that operating point, before anything is trained.
void check_measurable(const OperatingPoint& at, const ImageSet& images);

// What a threshold means, in a line: "threshold 0.61 (eer): ...".
std::string describe(const Calibration& calibration);

}  // namespace siamc
