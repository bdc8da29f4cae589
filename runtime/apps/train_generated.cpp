// train_generated: trains a linked model and leaves a run folder.
#include <HalideRuntime.h>
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "apps/progress_line.h"
#include "apps/run_report.h"
#include "core/error.h"
#include "core/files.h"
#include "core/sha256.h"
#include "training/trainer.h"
#include "training/weights.h"

namespace siamc {
namespace {

namespace po = boost::program_options;

volatile std::sig_atomic_t interrupted = 0;

// The first Ctrl-C ends training after the step at hand; a second one ends the program.
void on_interrupt(int) {
    interrupted = 1;
    std::signal(SIGINT, SIG_DFL);
}

po::options_description options() {
    po::options_description all("train_generated: train a Siamese network on pairs or triplets");
    const auto text = [](const char* value) {
        return po::value<std::string>()->default_value(value);
    };
    const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    all.add_options()("help", "this text")("model", text("fc"), "which linked model")(
        "loss", text("contrastive"), "contrastive (pairs) or triplet")(
        "optimizer", text("adam"), "adam, rmsprop or sgd (momentum 0.9)")(
        "data", po::value<std::string>(), "folder of MNIST's IDX files, or glyphs (built in)")(
        "epochs", po::value<int>()->default_value(10), "passes over the training images")(
        "batch", po::value<int>()->default_value(128), "tuples a step")(
        "seed", po::value<std::uint64_t>()->default_value(0), "of weights, samples and shifts")(
        "threads", po::value<int>()->default_value(cores), "results do not depend on it")(
        "out", po::value<std::string>(), "folder for the run")(
        "force", po::bool_switch(), "replace a run that is there")(
        "recipe", text("default"), "rates and augmentation: default or plain")(
        "rate", po::value<double>(), "learning rate, or its peak, instead of the recipe's")(
        "schedule", po::value<std::string>(), "constant or one_cycle, instead of the recipe's")(
        "warmup", po::value<double>(), "share of a cycle in which the rate rises")(
        "shift", po::value<int>(), "pixels of random shift (0 to 4), instead of the recipe's")(
        "semantics", text("keras"), "whose optimisers: keras or pytorch")(
        "classes", po::value<std::string>(), "train and validate on these alone, as in 0-5")(
        "holdout", po::value<double>()->default_value(0),
        "share of the training images to validate on; 0: validate on the test images")(
        "config", po::value<std::string>(), "file of flags, such as a run's config.toml")(
        "json", po::bool_switch(), "print one JSON object, no progress");
    return all;
}

TrainConfig train_config(const po::variables_map& values) {
    TrainConfig config;
    config.loss = values["loss"].as<std::string>();
    config.optimizer = values["optimizer"].as<std::string>();
    config.semantics = parse_semantics(values["semantics"].as<std::string>());
    config.epochs = values["epochs"].as<int>();
    config.batch = values["batch"].as<int>();
    config.seed = values["seed"].as<std::uint64_t>();
    const std::string recipes = linked_recipes(values["model"].as<std::string>());
    config.recipe = find_recipe(recipes, values["recipe"].as<std::string>(), config.loss,
                                config.optimizer);
    if (values.count("rate")) config.recipe.schedule.peak = values["rate"].as<double>();
    if (values.count("schedule"))
        config.recipe.schedule.kind = parse_schedule(values["schedule"].as<std::string>());
    if (values.count("warmup")) config.recipe.schedule.warmup = values["warmup"].as<double>();
    if (values.count("shift")) config.recipe.shift = values["shift"].as<int>();
    const auto require = [](bool holds, const char* message) {
        if (!holds) fail(Exit::usage, "{}", message);
    };
    require(config.recipe.schedule.peak > 0, "--rate: must be above 0");
    require(config.recipe.schedule.warmup > 0 && config.recipe.schedule.warmup < 1,
            "--warmup: must be between 0 and 1");
    require(config.recipe.shift >= 0 && config.recipe.shift <= 4, "--shift: 0 to 4 pixels");
    return config;
}

// What --config needs to repeat the run.
Settings settings_of(const po::variables_map& values, const TrainConfig& config) {
    Settings settings;
    for (const char* key : {"model", "loss", "optimizer", "data", "recipe", "semantics", "classes"})
        if (values.count(key)) settings[key] = values[key].as<std::string>();
    for (const char* key : {"epochs", "batch", "threads"})
        settings[key] = std::int64_t{values[key].as<int>()};
    const RateSchedule& schedule = config.recipe.schedule;
    const bool constant = schedule.kind == RateSchedule::Kind::constant;
    settings["seed"] = static_cast<std::int64_t>(config.seed);
    settings["holdout"] = values["holdout"].as<double>();
    settings["rate"] = schedule.peak;
    settings["schedule"] = std::string(constant ? "constant" : "one_cycle");
    settings["warmup"] = schedule.warmup;
    settings["shift"] = std::int64_t{config.recipe.shift};
    return settings;
}

// What is trained on and what is validated on.
Split load_split(const po::variables_map& values, const std::string& data) {
    Dataset dataset = load_data(data);
    const double holdout = values["holdout"].as<double>();
    if (values.count("classes")) {
        const std::vector<int> classes = parse_classes(values["classes"].as<std::string>());
        dataset.train = take_classes(dataset.train, classes);
        dataset.test = take_classes(dataset.test, classes);
    }
    if (holdout == 0) return {std::move(dataset.train), std::move(dataset.test)};
    return split(dataset.train, holdout, 0);
}

nlohmann::ordered_json summary_of(const std::vector<EpochRow>& rows, const std::string& run,
                                  double seconds, const FloatBuffer& parameters) {
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
            {"weights_sha256", sha256(std::as_bytes(parameters.span()))}};
}

int train(const po::variables_map& values) {
    const std::string data = required(values, "data"), out = required(values, "out");
    const bool json = values["json"].as<bool>();
    const TrainConfig config = train_config(values);
    const int threads = values["threads"].as<int>();
    if (threads < 1 || threads > 256) fail(Exit::usage, "--threads: 1 to 256");
    Model model(find_model(values["model"].as<std::string>()));
    const Split images = load_split(values, data);
    halide_set_num_threads(threads);
    Trainer trainer(model, images.train, images.validation, config);
    const RunFolder run = RunFolder::create(out, values["force"].as<bool>());
    write_settings(run.config(), settings_of(values, config));
    std::signal(SIGINT, on_interrupt);

    ProgressLine line(config.epochs, json);
    std::vector<EpochRow> rows;
    double seconds = 0;
    while (static_cast<int>(rows.size()) < config.epochs) {
        const EpochRow row =
            trainer.epoch(static_cast<int>(rows.size()) + 1, [&](const Progress& progress) {
                line.step(progress);
                return !interrupted;
            });
        seconds += row.seconds;
        if (interrupted) break;
        rows.push_back(row);
        line.epoch(row);
        write_metrics(run.metrics(), rows);
    }
    save_weights(run.weights(), model, trainer.parameters());
    const auto summary = summary_of(rows, run.path().string(), seconds, trainer.parameters());
    write_file_atomically(run.summary(), summary.dump(2) + "\n");
    if (!rows.empty())
        write_run_report(run, settings_of(values, config), rows, model, trainer.parameters(),
                         images.validation);
    if (json) fmt::print("{}\n", summary.dump());
    if (!interrupted) return 0;
    fmt::print(stderr, "\ninterrupted after {} whole epochs; the weights of this moment are in {}\n",
               rows.size(), run.weights().string());
    return static_cast<int>(Exit::interrupted);
}

}  // namespace
}  // namespace siamc

int main(int argc, char** argv) {
    return siamc::run_program("train_generated", [&] {
        const auto values = siamc::parse_command_line(argc, argv, siamc::options());
        if (values.count("help")) return fmt::print("{}\n", fmt::streamed(siamc::options())), 0;
        return siamc::train(values);
    });
}
