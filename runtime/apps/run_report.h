// report.html of a training run.
#pragma once

#include <vector>

#include "core/model.h"
#include "training/run_folder.h"
#include "training/settings.h"

namespace siamc {

// Curves, sample pairs and predictions on the validation images.
void write_run_report(const RunFolder& run, const Settings& settings,
                      const std::vector<EpochRow>& rows, Model& model,
                      const FloatBuffer& parameters, const ImageSet& validation);

}  // namespace siamc
