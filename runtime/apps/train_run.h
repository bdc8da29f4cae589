// One training run, from its configuration to its folder.
#pragma once

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "data/dataset.h"
#include "training/settings.h"
#include "training/trainer.h"

namespace siamc {

// Set by Ctrl-C: training ends after the step at hand and saves what it has.
extern volatile std::sig_atomic_t stop_requested;

// One model: as the library that trains has it, and as this processor runs it (for the report).
// They may be the same.
struct Models {
    Model& trained;
    Model& host;
};

struct RunRequest {
    std::filesystem::path out;
    bool force = false;  // replace a run that is there
    bool quiet = false;  // no progress line
    Settings settings;
};

struct RunResult {
    std::vector<EpochRow> rows;
    nlohmann::ordered_json summary;
};

// Trains and writes the folder. An interrupted run has its weights and whole epochs saved.
RunResult train_run(const Models& models, const Split& images, const TrainConfig& config,
                    const RunRequest& request);

}  // namespace siamc
