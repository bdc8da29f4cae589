#include "apps/trained_run.h"

#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "apps/named_model.h"
#include "core/error.h"
#include "core/sha256.h"
#include "core/tell.h"
#include "data/picture.h"
#include "training/recipe.h"
#include "training/trainer.h"
#include "training/weights.h"

namespace siamc {

namespace {

std::string text_of(const Settings& settings, const std::string& key, const std::string& other) {
    const auto found = settings.find(key);
    return found == settings.end() ? other : to_text(found->second);
}

// The run's model, with room for the run's batch: so it is the very library that trained it.
const siamc_model& model_of(const cli::Values& values, const Settings& settings,
                            const RunFolder& run) {
    const auto batch = settings.find("batch");
    if (!settings.contains("model") && !values.has("model"))
        fail(Exit::bad_data, "{}: no model is named\n  write: model = \"fc\"",
             run.config().string());
    const auto* tuples =
        batch == settings.end() ? nullptr : std::get_if<std::int64_t>(&batch->second);
    const bool plausible = tuples && *tuples > 0 && *tuples <= most_batch;
    return named_model(values.has("model") ? values.text("model") : text_of(settings, "model", ""),
                       "cpu", plausible ? static_cast<int>(*tuples) : 1);
}

std::optional<SplitRecord> split_of(const RunFolder& folder) {
    std::error_code missing;
    if (!std::filesystem::exists(folder.split(), missing)) return {};
    return read_split(folder.split());
}

Holdout holdout_of(const Settings& settings) {
    if (settings.contains("split")) return parse_holdout(text_of(settings, "split", ""));
    const auto share = settings.find("holdout");
    const double* real = share == settings.end() ? nullptr : std::get_if<double>(&share->second);
    return {Holdout::Of::images, real ? *real : 0};
}

}  // namespace

std::vector<cli::Option> run_options() {
    return {{.name = "run", .kind = cli::a_folder, .required = true, .help = "folder of the run"},
            {.name = "model",
             .kind = cli::Text{cli::Text::Of::file, linked_model_names()},
             .fallback = "where the run has it from",
             .help = "its NAME.toml or libNAME.so, if that lies elsewhere now"}};
}

DataFlags TrainedRun::trained_with() const {
    const std::string resize = text_of(settings, "resize", "fit");
    const auto mode = resize_mode(resize);
    if (!mode) fail(Exit::bad_data, "the run's resize is '{}'\n  write: fit, fill or crop", resize);
    DataFlags flags;
    flags.data = text_of(settings, "data", "");
    if (settings.contains("classes")) flags.classes = text_of(settings, "classes", "");
    flags.holdout = holdout_of(settings);
    flags.drop_shared = settings.contains("drop-shared");
    flags.transpose = settings.contains("transpose");
    flags.invert = settings.contains("invert");
    flags.resize = *mode;
    return flags;
}

Threshold threshold_of(const TrainedRun& run, const cli::Values& values) {
    if (values.has("threshold")) return {values.real("threshold"), "given"};
    if (run.calibration) return {run.calibration->threshold, "calibration"};
    return {TrainConfig{}.threshold, "usual"};
}

TrainedRun open_trained(const cli::Values& values) {
    RunFolder folder = RunFolder::open(values.text("run"));
    Settings settings = read_settings(folder.config());
    Model model(model_of(values, settings, folder));
    use_threads(model.tables(), values.whole("threads"));
    FloatBuffer parameters = load_weights(folder.weights(), model);
    std::string weights_sha256 = sha256_of_file(folder.weights());
    std::optional<SplitRecord> split = split_of(folder);
    std::optional<Calibration> calibration = folder.read_calibration(weights_sha256);
    if (values.flag("verbose")) tell("{}\n", model.describe_variant());
    return {std::move(folder),     std::move(settings),       std::move(model),
            std::move(parameters), std::move(weights_sha256), std::move(split),
            std::move(calibration)};
}

}  // namespace siamc
