// A run between two steps, as a safetensors file: all that the rest of the run depends on, so that
// --resume ends with the same bits as a run that was never interrupted.
//
// Tensors: the parameters under their names, the optimiser's moments as "moment1/NAME" and so on,
// the parameters' average as "average/NAME", the best parameters so far as "best/NAME". Everything
// else is text in the metadata (docs/file-formats.md).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "training/metrics.h"
#include "training/safetensors.h"
#include "training/settings.h"
#include "training/trainer.h"

namespace siamc {

// How far a run is, and what it is a run of.
struct RunProgress {
    Settings settings;
    std::string data;            // data_hash of its images
    std::vector<EpochRow> rows;  // of the whole epochs
    EpochTotals totals;          // of the epoch that runs, the one after these

    int epoch() const { return static_cast<int>(rows.size()) + 1; }
};

// Tells images and labels apart from others: 16 hexadecimal digits, the same on every machine.
std::string data_hash(const ImageSet& train, const ImageSet& validation);

// Errors as write_safetensors; collapsed, and nothing is written, if a value of the state is not
// finite. `best`: nullptr if the run does not keep it, or has none yet.
void save_checkpoint(const std::filesystem::path& path, const Model& model,
                     const RunProgress& progress, const TrainingState& state,
                     const FloatBuffer* best);

// A checkpoint as it was read, whatever its model.
struct Checkpoint {
    std::filesystem::path path;
    RunProgress progress;
    SafetensorsFile file;

    // With an average where the file has one. bad_data unless the file has the tensors of this
    // model with so many moments, all finite.
    TrainingState state(const Model& model, int moments) const;
    std::optional<FloatBuffer> best(const Model& model) const;
};

// bad_data unless the file is a whole and undamaged checkpoint.
Checkpoint read_checkpoint(const std::filesystem::path& path);

// The one with the most steps of those that are there and undamaged. What is damaged is added to
// `complaints`. None if no file is there; bad_data if there are files, but all are damaged.
std::optional<Checkpoint> newest_checkpoint(std::span<const std::filesystem::path> paths,
                                            std::vector<std::string>& complaints);

}  // namespace siamc
