// A finished run as the programs that use it open it: its model with its weights, what images have
// to go through before it sees them, and its threshold.
#pragma once

#include <optional>
#include <string>

#include "apps/load_images.h"
#include "cli/table.h"
#include "cli/values.h"
#include "core/buffer.h"
#include "core/model.h"
#include "evaluation/calibration.h"
#include "training/run_folder.h"
#include "training/settings.h"
#include "training/split_record.h"

namespace siamc {

// --run and --model.
std::vector<cli::Option> run_options();

struct TrainedRun {
    RunFolder folder;
    Settings settings;
    Model model;
    FloatBuffer parameters;
    std::string weights_sha256;              // of the file
    std::optional<SplitRecord> split;        // none of runs of earlier versions
    std::optional<Calibration> calibration;  // none unless images were held out for it

    // The flags for images that the run was trained with.
    DataFlags trained_with() const;
};

// Below which distance two images count as of one class.
struct Threshold {
    double value = 0;
    std::string from;  // "given", "calibration", "usual"
};

// That of --threshold, else the run's own, else the usual one.
Threshold threshold_of(const TrainedRun& run, const cli::Values& values);

// Of --run, --model, --threads and --verbose. Errors as RunFolder::open, named_model, load_weights.
TrainedRun open_trained(const cli::Values& values);

}  // namespace siamc
