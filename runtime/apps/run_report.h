// report.html of a training run, and of several runs compared.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/model.h"
#include "evaluation/calibration.h"
#include "report/report.h"
#include "training/run_folder.h"
#include "training/settings.h"
#include "training/trainer.h"

namespace siamc {

// A finished run, as its report needs it.
struct ReportedRun {
    const RunFolder& folder;
    const TrainConfig& config;
    const Settings& settings;
    const std::vector<EpochRow>& rows;  // at least one
    Model& model;
    const FloatBuffer& parameters;
    const ImageSet& validation;
    const std::optional<Calibration>& calibration;

    // Of predictions; curves are at the configuration's.
    double threshold() const { return calibration ? calibration->threshold : config.threshold; }
};

// Curves, sample pairs, and predictions on the validation images with their distances.
void write_run_report(const ReportedRun& run);

// The learning rate shown is the highest that ended an epoch.
ComparedRun compared_run(const std::string& name, const std::vector<EpochRow>& rows);

void write_comparison_report(const std::filesystem::path& file, const Model& model,
                             const Settings& settings, const std::vector<ComparedRun>& runs);

}  // namespace siamc
