// train_NAME: trains a model and leaves a run folder.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

#include "apps/calibrate_run.h"
#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "apps/named_model.h"
#include "apps/programs.h"
#include "apps/run_report.h"
#include "apps/train_options.h"
#include "apps/train_run.h"
#include "cli/run_program.h"
#include "core/error.h"
#include "core/tell.h"
#include "data/dataset.h"

namespace siamc {
namespace {

using Json = nlohmann::ordered_json;

// The settings of the run to resume count where the flags leave something open.
std::vector<cli::FlagFile> flag_files(const cli::Values& values) {
    std::vector<cli::FlagFile> files = config_files(values);
    if (!values.given("resume") || !values.has("out")) return files;
    const std::string& out = values.text("out");
    files.push_back(to_flags(out, settings_to_resume(out)));
    return files;
}

// What the model's recipe says.
std::vector<cli::FlagFile> implied_flags(const cli::Values& values) {
    const RecipeFile recipes = recipe_file(values);
    return {to_flags(recipes.where, recipe_choices(recipes, recipe_name(values)))};
}

Existing existing(const cli::Values& values) {
    return values.flag("resume")  ? Existing::resume
           : values.flag("force") ? Existing::replace
                                  : Existing::refuse;
}

// What is trained on.
struct Training {
    Split images;
    SplitRecord split;  // before quarter turns are added
};

Training load_training(const cli::Values& values, const Recipe& recipe, const Model& model) {
    const DataFlags flags = data_flags(values);
    Training training{load_split(flags, model), {}};
    training.split =
        record_of(training.images, flags.holdout.none() ? "test" : to_text(flags.holdout));
    if (recipe.quarter_turns) add_quarter_turns(training.images.train);
    return training;
}

RunResult train_one(const Models& models, const Training& training, const cli::Values& values,
                    const std::string& optimizer, const std::filesystem::path& out) {
    const TrainConfig config = train_config(values, optimizer);
    RunRequest request;
    request.out = out;
    request.existing = existing(values);
    request.keep = parse_keep(values.text("keep"));
    request.checkpoint_seconds = values.real("checkpoint-seconds");
    request.quiet = values.flag("json");
    request.split = training.split;
    request.operating_point = parse_operating_point(values.text("operating-point"));
    request.settings = settings_of(values, config);
    return train_run(models, training.images, config, request);
}

// For a shell: in quotes where it needs them.
std::string quoted(const std::string& word) {
    const auto plain = [](unsigned char c) {
        return std::isalnum(c) ||
               std::string_view("/._-+,=@").find(static_cast<char>(c)) != std::string_view::npos;
    };
    if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

// What a finished run left, and what to do with it.
void say_what_next(const cli::Values& values, const Model& model, const std::filesystem::path& out,
                   const Json& calibration) {
    const bool pairs = model.loss(values.text("loss")).sees != SIAMC_TRIPLETS;
    tell("report: {}\n", (out / "report.html").string());
    if (calibration.is_object())
        tell("{}\n", describe(calibration_from(calibration, "calibration")));
    else
        tell("threshold {:.4g}, not calibrated: no images were held out (--split image:0.1)\n",
             TrainConfig{}.threshold);
    tell("to evaluate: {} --run {} --data {} --protocol {}{}\n", program_for("eval"),
         quoted(out.string()), quoted(values.text("data")), pairs ? "pairs" : "triplets",
         calibration.is_object() ? " --part validation" : "");
}

// The compared runs, one a line.
void say_table(const std::vector<std::string>& optimizers, const Json& runs) {
    tell("{:<10}{:>8}{:>12}{:>12}{:>18}{:>10}\n", "optimizer", "epochs", "train loss", "val loss",
         "val accuracy", "seconds");
    for (std::size_t r = 0; r < runs.size(); ++r)
        tell("{:<10}{:>8}{:>12.4g}{:>12.4g}{:>16.2f} %{:>10.4g}\n", optimizers[r],
             runs[r]["epochs"].get<int>(), runs[r]["train_loss"].get<double>(),
             runs[r]["val_loss"].get<double>(), 100 * runs[r]["val_accuracy"].get<double>(),
             runs[r]["seconds"].get<double>());
}

// One run per optimiser, and a report that sets them side by side.
Json compare(const Models& models, const Training& training, const cli::Values& values,
             const std::filesystem::path& out, const std::vector<std::string>& optimizers) {
    Json summary = {{"run", out.string()}, {"runs", nlohmann::json::array()}};
    std::vector<ComparedRun> runs;
    for (const std::string& optimizer : optimizers) {
        if (!values.flag("json")) tell("{}\n", optimizer);
        const RunResult result = train_one(models, training, values, optimizer, out / optimizer);
        if (stop_signal()) break;
        summary["runs"].push_back(result.summary);
        runs.push_back(compared_run(optimizer, result.rows));
    }
    const Settings common = settings_of(values, train_config(values, optimizers[0]));
    if (!runs.empty()) write_comparison_report(out / "report.html", models.host, common, runs);
    return summary;
}

// Weights that a device trained are judged on the processor.
void check_same_parameters(const Models& models) {
    const std::string on_host = models.host.tables().parameter_hash;
    const std::string trained = models.trained.tables().parameter_hash;
    if (on_host != trained)
        fail(Exit::bad_data,
             "--device: the library for it has other parameters than the one for processors "
             "(parameter hash {}, not {})\n  write: siamc compile of one model for both targets",
             trained, on_host);
}

// usage for a flag on pairs where the loss sees something else.
void check_sees_pairs(const cli::Values& values, const Model& model) {
    const bool says = values.on_line("label-noise") || values.on_line("label-noise-from");
    if (!says || model.loss(values.text("loss")).sees == SIAMC_PAIRS) return;
    fail(Exit::usage,
         "--label-noise: says nothing for {}\n  why: it sees no pairs\n  write: --loss "
         "contrastive, or leave it out",
         values.text("loss"));
}

int train(const cli::Values& values) {
    const std::filesystem::path out = values.text("out");
    const std::string optimizer = values.text("optimizer");
    const std::string name = values.text("model");
    const std::string device = values.text("device");
    // Wrong flags fail before anything is compiled or read.
    const std::vector<std::string> optimizers =
        optimizer == "all" ? compared_optimizers(values) : std::vector{optimizer};
    const Recipe recipe = train_config(values, optimizers[0]).recipe;
    data_flags(values);
    parse_operating_point(values.text("operating-point"));
    Model host(named_model(name, "cpu", recipe.batch));
    std::optional<Model> on_device;
    const Models models = {
        device == "cpu" ? host : on_device.emplace(named_model(name, device, recipe.batch)), host};
    check_same_parameters(models);
    check_sees_pairs(values, host);
    catch_signals();  // until here there is nothing to save
    if (values.flag("verbose")) tell("{}\n", models.trained.describe_variant());
    const Training training = load_training(values, recipe, models.trained);
    use_threads(host.tables(), values.whole("threads"));
    const Json summary = optimizer == "all"
                             ? compare(models, training, values, out, optimizers)
                             : train_one(models, training, values, optimizer, out).summary;
    if (values.flag("json")) print_json(summary);
    if (!values.flag("json") && !stop_signal()) {
        if (optimizer == "all") {
            say_table(optimizers, summary["runs"]);
            tell("report: {}\n", (out / "report.html").string());
            tell("to evaluate one: {} --run {} --data {}\n", program_for("eval"),
                 quoted((out / optimizers[0]).string()), quoted(values.text("data")));
        } else {
            say_what_next(values, host, out, summary.value("calibration", Json()));
        }
    }
    return stop_signal() ? 128 + stop_signal() : static_cast<int>(Exit::ok);
}

cli::Program train_program() {
    const std::string name = linked.program;
    return {
        .name = name,
        .summary = "train a Siamese network on pairs, triplets or whole batches",
        .commands = {{.about = "Leaves a folder with configuration, metrics, weights and a "
                               "report. Ended by a signal it saves what it has. A model's "
                               "TOML file is compiled by siamc when it is new, and kept in "
                               "$XDG_CACHE_HOME/siamc or ~/.cache/siamc.",
                      .groups = train_options(),
                      .examples = {{name + " --data glyphs --out runs/first"},
                                   {name + " --data DIR --optimizer all --out runs/all",
                                    "a run for each optimiser, and a report that compares them"},
                                   {name + " --model NAME.toml --data DIR --out "
                                           "runs/own",
                                    "a model of your own, as siamc new NAME writes it"},
                                   {name + " --resume --out runs/first"}},
                      .run = train}},
        .flag_files = flag_files,
        .implied = implied_flags,
        .versions = linked_versions};
}

}  // namespace

int train_main(int argc, char** argv) {
    return cli::run_program(train_program(), argc, argv);
}

}  // namespace siamc
