#include "apps/train_run.h"

#include <fmt/format.h>

#include "apps/command_line.h"
#include "apps/progress_line.h"
#include "apps/run_report.h"
#include "core/files.h"
#include "core/sha256.h"
#include "training/run_folder.h"
#include "training/weights.h"

namespace siamc {

volatile std::sig_atomic_t stop_requested = 0;

namespace {

nlohmann::ordered_json summary_of(const std::vector<EpochRow>& rows, const std::string& run,
                                  double seconds, const std::string& variant,
                                  const FloatBuffer& parameters) {
    const EpochRow last = rows.empty() ? EpochRow{} : rows.back();
    return {{"run", run},
            {"epochs", rows.size()},
            {"seconds", seconds},
            {"train_loss", last.train_loss},
            {"train_accuracy", last.train_accuracy},
            {"val_loss", last.val_loss},
            {"val_accuracy", last.val_accuracy},
            {"images_per_second", last.images_per_second},
            {"peak_rss_mb", peak_rss_mb()},
            {"variant", variant},
            {"weights_sha256", sha256(std::as_bytes(parameters.span()))}};
}

}  // namespace

RunResult train_run(const Models& models, const Split& images, const TrainConfig& config,
                    const RunRequest& request) {
    Model& model = models.trained;
    Trainer trainer(model, images.train, images.validation, config);
    const RunFolder run = RunFolder::create(request.out, request.force);
    write_settings(run.config(), request.settings);
    ProgressLine line(config.recipe.epochs, request.quiet);
    RunResult result;
    std::vector<EpochRow>& rows = result.rows;
    double seconds = 0;
    while (static_cast<int>(rows.size()) < config.recipe.epochs) {
        const EpochRow row =
            trainer.epoch(static_cast<int>(rows.size()) + 1, [&](const Progress& progress) {
                line.step(progress);
                return !stop_requested;
            });
        seconds += row.seconds;
        if (stop_requested) break;
        rows.push_back(row);
        line.epoch(row);
        write_metrics(run.metrics(), rows);
    }
    save_weights(run.weights(), model, trainer.parameters());
    result.summary =
        summary_of(rows, run.path().string(), seconds, model.variant(), trainer.parameters());
    write_file_atomically(run.summary(), result.summary.dump(2) + "\n");
    if (!rows.empty())
        write_run_report({run, config, request.settings, rows, models.host, trainer.parameters(),
                          images.validation});
    if (stop_requested)
        fmt::print(stderr, "\ninterrupted after {} whole epochs; the weights as they are now: {}\n",
                   rows.size(), run.weights().string());
    return result;
}

}  // namespace siamc
