#include "training/run_folder.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "core/files.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t most_summary_bytes = std::size_t{1} << 20;

// All that a run writes. Where they have to be replaced one by one, the first ones come first: then
// nothing takes a mixture for a finished run, and --resume makes one run of it again, that of the
// checkpoint.
const std::vector<std::string> file_names = {"summary.json",
                                             "checkpoint.safetensors",
                                             "checkpoint.2.safetensors",
                                             "weights.safetensors",
                                             "config.toml",
                                             "split.json",
                                             "calibration.json",
                                             "metrics.csv",
                                             "report.html"};

}  // namespace

RunFolder RunFolder::begin(const fs::path& path, Existing existing) {
    RunFolder run(path);
    run.lock_ = std::make_unique<FolderLock>(FolderLock::take(path));
    run.status_ = run.look();
    if (existing == Existing::resume && run.status_ != Status::none) return run;
    if (existing == Existing::replace) {
        if (run.status_ != Status::none) run.staged_ = std::make_unique<StagedFolder>(path);
        return run;
    }
    if (run.status_ == Status::unfinished) {
        fail(Exit::usage,
             "{}: the folder holds a run that is not finished\n  write: --resume to go on with it, "
             "--force to replace it, or another --out",
             path.string());
    }
    if (!run.lock_->is_empty()) {
        fail(Exit::usage,
             "{}: the folder exists and isn't empty: choose another --out, or --force to replace "
             "the run in it",
             path.string());
    }
    return run;
}

RunFolder RunFolder::open(const fs::path& path) {
    RunFolder run(path);
    if (std::error_code unreadable; !fs::is_regular_file(run.config(), unreadable)) {
        fail(Exit::missing_input, "{}: there is no {}: is it the folder of a run (--out)?",
             path.string(), run.config().filename().string());
    }
    run.status_ = run.look();
    if (run.status_ != Status::finished) {
        fail(Exit::bad_data,
             "{0}: the run in it is not finished, its weights are not what it was to give\n"
             "  write: --resume --out {0}, to the program that trained it",
             path.string());
    }
    return run;
}

// A run is begun with its summary; where that is damaged or lost, the run is not taken for a
// finished one. Those of earlier versions wrote it at their end alone, without saying "finished".
RunFolder::Status RunFolder::look() const {
    std::error_code missing;
    if (fs::exists(summary(), missing)) {
        try {
            if (read_summary().value("finished", true)) return Status::finished;
        } catch (const Error&) {
        }
        return Status::unfinished;
    }
    const bool any = std::any_of(file_names.begin(), file_names.end(), [&](const auto& name) {
        return fs::exists(fs::symlink_status(at() / name, missing));
    });
    return any ? Status::unfinished : Status::none;
}

void RunFolder::settle() {
    if (!staged_) return;
    staged_->put_in_place(*lock_, file_names);
    staged_.reset();
}

void RunFolder::write_summary(const Json& summary_object) const {
    write_file_atomically(
        summary(), summary_object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Json RunFolder::read_summary() const {
    const Json object =
        Json::parse(read_file(summary(), most_summary_bytes), nullptr, /*allow_exceptions=*/false);
    const auto finished = object.is_object() ? object.find("finished") : object.end();
    if (!object.is_object() || (finished != object.end() && !finished->is_boolean())) {
        fail(Exit::bad_data, "{}: not a run's summary: --resume makes it again from the checkpoint",
             summary().string());
    }
    return object;
}

void RunFolder::write_calibration(const Calibration& fitted) const {
    write_file_atomically(calibration(), to_json(fitted).dump(2) + "\n");
}

std::optional<Calibration> RunFolder::read_calibration(const std::string& weights_sha256) const {
    std::error_code missing;
    if (!fs::exists(calibration(), missing)) return {};
    const std::string file = calibration().string();
    const Json object = Json::parse(read_file(calibration(), most_summary_bytes), nullptr,
                                    /*allow_exceptions=*/false);
    Calibration fitted = calibration_from(object, file);
    if (fitted.weights_sha256 != weights_sha256)
        fail(Exit::bad_data,
             "{}: the threshold is of other weights than the run's\n  write: --protocol calibrate, "
             "to the program that evaluates, which makes it anew",
             file);
    return fitted;
}

}  // namespace siamc
