// One training run, from its configuration to its folder.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "data/split.h"
#include "evaluation/calibration.h"
#include "training/run_folder.h"
#include "training/settings.h"
#include "training/split_record.h"
#include "training/trainer.h"

namespace siamc {

// Has INT, TERM and HUP (unless it is ignored, as under nohup) end training after the step at hand;
// a second one ends the program at once. PIPE and XFSZ are ignored: the calls that they come with
// fail, and say more.
void catch_signals();

// Which of them came; 0: none.
int stop_signal();

// One model: as the library that trains has it, and as this processor runs it (for the report).
// They may be the same.
struct Models {
    Model& trained;
    Model& host;
};

// Which weights a run leaves.
enum class Keep { last, best };

// usage unless it is "last" or "best".
Keep parse_keep(const std::string& text);

struct RunRequest {
    std::filesystem::path out;
    Existing existing = Existing::refuse;
    Keep keep = Keep::last;
    double checkpoint_seconds = 60;  // between those within an epoch; 0: none
    bool quiet = false;              // no progress line
    SplitRecord split;               // of the images as they are stored
    OperatingPoint operating_point;  // of the threshold, where images were held out
    Settings settings;
};

struct RunResult {
    std::vector<EpochRow> rows;
    nlohmann::ordered_json summary;
};

// Trains and writes the folder. A run that a signal ends has all of its work saved, unless an older
// run is to be replaced and there is no checkpoint yet: then that one stays. A run to resume that
// is finished is left as it is. usage if it has other settings than the request (but for threads,
// paths and the interval of checkpoints), bad_data if it was trained on other images.
RunResult train_run(const Models& models, const Split& images, const TrainConfig& config,
                    const RunRequest& request);

// The settings of the run in a folder, for --resume: those of its newest checkpoint, or of its
// config.toml. None if there is no run.
Settings settings_to_resume(const std::filesystem::path& out);

}  // namespace siamc
