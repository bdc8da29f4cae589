#include "apps/train_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <set>

#include "apps/calibrate_run.h"
#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "apps/named_model.h"
#include "apps/progress_line.h"
#include "apps/run_report.h"
#include "core/error.h"
#include "core/tell.h"
#include "training/checkpoint.h"
#include "training/weights.h"

namespace siamc {

namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

std::atomic<int> signal_that_came = 0;
static_assert(std::atomic<int>::is_always_lock_free, "it is set by a signal's handler");

constexpr int stopping_signals[] = {SIGINT, SIGTERM, SIGHUP};

void on_signal(int number) {
    signal_that_came = number;
    for (const int any : stopping_signals) std::signal(any, SIG_DFL);
}

// A run while it is trained. Its files are written in an order that lets any of them be the last:
// the checkpoint is what counts, the others follow from it.
class Run {
  public:
    Run(const Models& models, const Split& images, const TrainConfig& config,
        const RunRequest& request);

    RunResult train();

  private:
    void resume();
    void begin();
    bool after_step(const Progress& progress);
    void end_epoch(const EpochRow& row);
    void save(bool new_weights);
    void calibrate();
    RunResult finish();
    RunResult stop();
    Json summary(bool finished);
    const FloatBuffer& kept() { return best_ ? *best_ : trainer_.evaluated(); }

    const Models& models_;
    const Split& images_;
    const TrainConfig& config_;
    const RunRequest& request_;
    Trainer trainer_;
    RunFolder folder_;
    ProgressLine line_;
    RunProgress progress_;
    std::optional<FloatBuffer> best_;
    std::optional<Calibration> calibration_;
    std::string weights_sha256_;       // of the file, if this process wrote it
    std::size_t next_checkpoint_ = 0;  // of the folder's two
    Clock::time_point saved_ = Clock::now();
};

Run::Run(const Models& models, const Split& images, const TrainConfig& config,
         const RunRequest& request)
    : models_(models),
      images_(images),
      config_(config),
      request_(request),
      trainer_(models.trained, images.train, images.validation, config),
      folder_(RunFolder::begin(request.out, request.existing)),
      line_(config.recipe.epochs, request.quiet) {
    if (!request.split.validates_test_images())
        check_measurable(request.operating_point, images.validation);
    progress_.settings = request.settings;
    progress_.data = data_hash(images.train, images.validation);
}

// Every run has them, but for those of earlier versions.
bool is_newer_setting(const std::string& key) {
    static const std::set<std::string> newer = {"average", "average-decay", "label-noise",
                                                "label-noise-from", "operating-point"};
    const auto kinds = warp_kinds();
    return newer.contains(key) ||
           std::any_of(kinds.begin(), kinds.end(),
                       [&](const WarpKind& kind) { return key == kind.name; });
}

// usage if a setting on which results depend is another one in the run to resume.
void check_same(const Settings& run, const Settings& request, const std::string& path) {
    const auto text_of = [](const Settings& settings, const std::string& key) {
        const auto found = settings.find(key);
        return found == settings.end() ? std::string("(none)") : to_text(found->second);
    };
    Settings all = run;
    all.insert(request.begin(), request.end());
    for (const auto& [key, value] : all) {
        if (key == "threads" || key == "data" || key == "checkpoint-seconds") continue;
        const std::string before = text_of(run, key), now = text_of(request, key);
        if (before == now) continue;
        // They may lie elsewhere; the checkpoint tells another model by its parameters.
        if (key == "recipes" || (key == "model" && is_model_file(before) && is_model_file(now)))
            continue;
        if (!run.count(key) && is_newer_setting(key))
            fail(Exit::usage,
                 "--resume: the run in {} is of a version that had no {}\n  write: another --out "
                 "for a new run",
                 path, key);
        fail(
            Exit::usage,
            "--resume: the run in {} has {} {}, not {}\n  write: --resume without --{}, or another "
            "--out for a new run",
            path, key, before, now, key);
    }
}

RunResult Run::train() {
    if (request_.existing == Existing::resume && folder_.status() == RunFolder::Status::finished) {
        check_same(read_settings(folder_.config()), request_.settings, folder_.path().string());
        if (!request_.quiet)
            tell("{}: the run is finished, there is nothing to resume\n", folder_.path().string());
        return {read_metrics(folder_.metrics()), folder_.read_summary()};
    }
    if (request_.existing == Existing::resume) resume();
    begin();
    while (progress_.epoch() <= config_.recipe.epochs && !stop_signal()) {
        const std::optional<EpochRow> row =
            trainer_.epoch(progress_.epoch(), progress_.totals,
                           [&](const Progress& progress) { return after_step(progress); });
        if (row) end_epoch(*row);
    }
    return progress_.epoch() > config_.recipe.epochs ? finish() : stop();
}

void Run::resume() {
    const auto files = folder_.checkpoints();
    std::vector<std::string> complaints;
    const std::optional<Checkpoint> checkpoint = newest_checkpoint(files, complaints);
    for (const std::string& complaint : complaints)
        tell("{}\n  the other checkpoint is used\n", complaint);
    if (!checkpoint) return;
    const std::string path = folder_.path().string();
    check_same(checkpoint->progress.settings, request_.settings, path);
    if (checkpoint->progress.data != progress_.data) {
        fail(Exit::bad_data,
             "--data: not the images that the run in {} was trained on\n  write: the same --data, "
             "or another --out for a new run",
             path);
    }
    const int moments = models_.trained.optimizer(config_.optimizer).moments;
    trainer_.load(checkpoint->state(models_.trained, moments));
    best_ = checkpoint->best(models_.trained);
    progress_.rows = checkpoint->progress.rows;
    progress_.totals = checkpoint->progress.totals;
    next_checkpoint_ = checkpoint->path == files[0] ? 1 : 0;
    if (!request_.quiet)
        tell("{}: resumed after {} whole epochs and {} steps\n", path, progress_.rows.size(),
             progress_.totals.steps);
}

// From here on the folder says that it holds a run that is not finished.
void Run::begin() {
    folder_.write_summary({{"run", folder_.path().string()},
                           {"finished", false},
                           {"epochs_planned", config_.recipe.epochs}});
    write_settings(folder_.config(), progress_.settings);
    write_split(folder_.split(), request_.split);
    write_metrics(folder_.metrics(), progress_.rows);
}

bool Run::after_step(const Progress& progress) {
    line_.step(progress);
    if (stop_signal()) return false;
    const std::chrono::duration<double> since = Clock::now() - saved_;
    const bool due =
        request_.checkpoint_seconds > 0 && since.count() >= request_.checkpoint_seconds;
    if (due) save(false);
    return true;
}

void Run::end_epoch(const EpochRow& row) {
    bool first_of_best = true;  // of equals the first is kept
    for (const EpochRow& before : progress_.rows)
        first_of_best = first_of_best && row.val_accuracy > before.val_accuracy;
    progress_.rows.push_back(row);
    progress_.totals = {};
    const bool keep = request_.keep == Keep::last || first_of_best;
    if (request_.keep == Keep::best && first_of_best) {
        best_.emplace(models_.trained.flat_buffer());
        std::copy_n(trainer_.evaluated().data(), best_->size(), best_->data());
    }
    line_.epoch(row);
    save(keep);
}

// The weights in the folder are those of a whole epoch, as soon as there is one.
void Run::save(bool new_weights) {
    save_checkpoint(folder_.checkpoints()[next_checkpoint_], models_.trained, progress_,
                    trainer_.state(), best_ ? &*best_ : nullptr);
    next_checkpoint_ = 1 - next_checkpoint_;
    if (new_weights || progress_.rows.empty())
        weights_sha256_ = save_weights(folder_.weights(), models_.trained, kept());
    write_metrics(folder_.metrics(), progress_.rows);
    folder_.settle();
    saved_ = Clock::now();
}

// Never on test images: then there is no threshold but the usual one.
void Run::calibrate() {
    if (request_.split.validates_test_images()) return;
    calibration_ = calibrate_weights({models_.host, kept(), images_.validation, weights_sha256_},
                                     request_.operating_point);
    calibration_->unseen_classes = request_.split.unseen_classes();
    folder_.write_calibration(*calibration_);
}

RunResult Run::finish() {
    weights_sha256_ = save_weights(folder_.weights(), models_.trained, kept());
    write_metrics(folder_.metrics(), progress_.rows);
    calibrate();
    write_run_report({folder_, config_, progress_.settings, progress_.rows, models_.host, kept(),
                      images_.validation, calibration_});
    RunResult result{progress_.rows, summary(true)};
    folder_.write_summary(result.summary);
    return result;
}

// Ended by a signal.
RunResult Run::stop() {
    const std::string path = folder_.path().string();
    if (folder_.waits()) {
        tell("\ninterrupted before the first checkpoint; the run that was in {} is still there\n",
             path);
        return {progress_.rows, {{"run", path}, {"finished", false}, {"epochs", 0}}};
    }
    save(false);
    RunResult result{progress_.rows, summary(false)};
    folder_.write_summary(result.summary);
    tell("\ninterrupted after {} whole epochs; to go on: {} --resume --out {}\n",
         progress_.rows.size(), program_for("train"), path);
    return result;
}

Json Run::summary(bool finished) {
    double seconds = progress_.totals.seconds;
    for (const EpochRow& row : progress_.rows) seconds += row.seconds;
    const EpochRow last = progress_.rows.empty() ? EpochRow{} : progress_.rows.back();
    Json object = {{"run", folder_.path().string()},
                   {"finished", finished},
                   {"epochs", progress_.rows.size()},
                   {"epochs_planned", config_.recipe.epochs},
                   {"seconds", seconds},
                   {"train_loss", last.train_loss},
                   {"train_accuracy", last.train_accuracy},
                   {"val_loss", last.val_loss},
                   {"val_accuracy", last.val_accuracy},
                   {"images_per_second", last.images_per_second},
                   {"peak_rss_mb", peak_rss_mb()},
                   {"variant", models_.trained.variant()}};
    if (!weights_sha256_.empty()) object["weights_sha256"] = weights_sha256_;
    object["calibration"] = calibration_ ? to_json(*calibration_) : Json(nullptr);
    return object;
}

}  // namespace

void catch_signals() {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    for (const int number : stopping_signals) {
        struct sigaction action {};
        ::sigaction(number, nullptr, &action);
        if (number == SIGHUP && action.sa_handler == SIG_IGN) continue;
        action = {};
        action.sa_handler = on_signal;
        action.sa_flags = SA_RESTART;
        ::sigaction(number, &action, nullptr);
    }
}

int stop_signal() {
    return signal_that_came;
}

Keep parse_keep(const std::string& text) {
    if (text == "last") return Keep::last;
    if (text == "best") return Keep::best;
    fail(Exit::usage, "--keep: no choice '{}'\n  write: last or best", text);
}

RunResult train_run(const Models& models, const Split& images, const TrainConfig& config,
                    const RunRequest& request) {
    return Run(models, images, config, request).train();
}

Settings settings_to_resume(const std::filesystem::path& out) {
    const RunFolder run(out);
    std::vector<std::string> complaints;
    if (const auto checkpoint = newest_checkpoint(run.checkpoints(), complaints))
        return checkpoint->progress.settings;
    std::error_code missing;
    return std::filesystem::exists(run.config(), missing) ? read_settings(run.config())
                                                          : Settings();
}

}  // namespace siamc
