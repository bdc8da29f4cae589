// metrics.csv: what each epoch of a training gave.
#pragma once

#include <filesystem>
#include <string>
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

// The file's text: every number in the fewest digits that come back as they were.
std::string metrics_text(const std::vector<EpochRow>& rows);

// The rows of such a text. bad_data with line and column unless the columns are those above and the
// epochs count from 1; `file` is what the message calls the text.
std::vector<EpochRow> parse_metrics(const std::string& text, const std::string& file);

// Writes metrics.csv anew, atomically; errors as write_file_atomically.
void write_metrics(const std::filesystem::path& path, const std::vector<EpochRow>& rows);

// Errors as parse_metrics and read_file.
std::vector<EpochRow> read_metrics(const std::filesystem::path& path);

}  // namespace siamc
