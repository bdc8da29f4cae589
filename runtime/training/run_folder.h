// What a training run leaves behind, in one folder.
//
//   config.toml             its settings; keys are the command line's flags, usable as --config
//   split.json              what it was trained and validated on
//   metrics.csv             one row an epoch
//   weights.safetensors     the trained parameters
//   calibration.json        the threshold of its distances, if images were held out for that
//   summary.json            its results, as --json prints them, and whether it is finished
//   report.html             the same for eyes
//   checkpoint.safetensors, checkpoint.2.safetensors
//                           all that --resume needs; they take turns
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/folders.h"
#include "evaluation/calibration.h"
#include "training/metrics.h"

namespace siamc {

// What is to happen to a run that a folder holds already.
enum class Existing { refuse, replace, resume };

class RunFolder {
  public:
    enum class Status { none, unfinished, finished };

    // A folder as it is, for reading: nothing is checked or locked.
    explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

    // For training: locks the folder, and makes it if it is missing. A folder that holds a run or
    // other files is refused (usage), but for Existing: `replace` builds the new run aside, and the
    // old one stays until settle(); `resume` takes the run as it is. Errors as FolderLock::take.
    static RunFolder begin(const std::filesystem::path& path, Existing existing);

    // A finished run, for reading. missing_input if the folder has no config.toml; bad_data if the
    // run in it is not finished.
    static RunFolder open(const std::filesystem::path& path);

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path config() const { return at() / "config.toml"; }
    std::filesystem::path metrics() const { return at() / "metrics.csv"; }
    std::filesystem::path weights() const { return at() / "weights.safetensors"; }
    std::filesystem::path split() const { return at() / "split.json"; }
    std::filesystem::path calibration() const { return at() / "calibration.json"; }
    std::filesystem::path summary() const { return at() / "summary.json"; }
    std::filesystem::path report() const { return at() / "report.html"; }
    std::array<std::filesystem::path, 2> checkpoints() const {
        return {at() / "checkpoint.safetensors", at() / "checkpoint.2.safetensors"};
    }

    // Of what was found.
    Status status() const { return status_; }

    // Whether an old run still stands where this one is to go.
    bool waits() const { return staged_ != nullptr; }
    // Puts the run in the place of the old one. Errors as StagedFolder::put_in_place.
    void settle();

    // Atomically, with `"finished"`; errors as write_file_atomically. Text that is not UTF-8 is
    // shown as far as it is.
    void write_summary(const nlohmann::ordered_json& summary) const;
    // bad_data if it is not what write_summary writes.
    nlohmann::ordered_json read_summary() const;

    // Errors as write_file_atomically.
    void write_calibration(const Calibration& calibration) const;
    // That of these weights, if the run has one; bad_data if it is of others or damaged.
    std::optional<Calibration> read_calibration(const std::string& weights_sha256) const;

  private:
    std::filesystem::path at() const { return staged_ ? staged_->path() : path_; }
    Status look() const;

    std::filesystem::path path_;
    Status status_ = Status::none;
    std::unique_ptr<FolderLock> lock_;  // none for reading
    std::unique_ptr<StagedFolder> staged_;
};

}  // namespace siamc
