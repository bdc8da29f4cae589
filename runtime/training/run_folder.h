// What a training run leaves behind, in one folder.
//
//   config.toml          its settings; keys are the command line's flags, usable as --config again
//   metrics.csv          one row an epoch
//   weights.safetensors  the trained parameters
//   summary.json         its results, as --json prints them
//   report.html          the same for eyes
#pragma once

#include <filesystem>
#include <utility>
#include <vector>

namespace siamc {

// A row of metrics.csv. A value that could not be measured is NaN.
struct EpochRow {
    int epoch = 0;                              // from 1
    double seconds = 0;                         // of training and validation
    double learning_rate = 0;                   // of the last step
    double train_loss = 0, train_accuracy = 0;  // means over the epoch; accuracies are 0 … 1
    double val_loss = 0, val_accuracy = 0;
    double mean_positive_distance = 0, mean_negative_distance = 0;  // of validation
    double images_per_second = 0;
};

class RunFolder {
  public:
    // Makes the folder, and those above it. A folder that holds anything is refused (usage) unless
    // `force`: then the files named above are removed from it, and nothing else. cannot_create if
    // it cannot be made.
    static RunFolder create(const std::filesystem::path& path, bool force);

    // A run made before. missing_input if it has no config.toml.
    static RunFolder open(const std::filesystem::path& path);

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path config() const { return path_ / "config.toml"; }
    std::filesystem::path metrics() const { return path_ / "metrics.csv"; }
    std::filesystem::path weights() const { return path_ / "weights.safetensors"; }
    std::filesystem::path summary() const { return path_ / "summary.json"; }
    std::filesystem::path report() const { return path_ / "report.html"; }

  private:
    explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

// Writes metrics.csv anew, atomically; errors as write_file_atomically.
void write_metrics(const std::filesystem::path& path, const std::vector<EpochRow>& rows);

// The rows of a metrics.csv, every number as it was written. bad_data with line and column unless
// the columns are those above and the epochs count from 1; missing_input if it cannot be read.
std::vector<EpochRow> read_metrics(const std::filesystem::path& path);

}  // namespace siamc
