#include "apps/train_options.h"

#include <algorithm>
#include <thread>

#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "apps/train_run.h"
#include "core/error.h"

namespace siamc {

namespace po = boost::program_options;

po::options_description train_options() {
    po::options_description all("train_generated: train a Siamese network on pairs or triplets");
    const auto text = [](const char* value) {
        return po::value<std::string>()->default_value(value);
    };
    const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    all.add_options()("help", "this text")("model", text("fc"), "which linked model")(
        "loss", text("contrastive"), "contrastive (pairs) or triplet")(
        "optimizer", text("adam"), "adam, rmsprop, sgd (momentum 0.9), or all: compare the three")(
        "data", po::value<std::string>(), "folder of MNIST's IDX files, or glyphs (built in)")(
        "epochs", po::value<int>(), "passes over the training images, instead of the recipe's")(
        "batch", po::value<int>(), "tuples a step, instead of the recipe's")(
        "seed", po::value<std::uint64_t>()->default_value(0), "of weights, samples and shifts")(
        "threads", po::value<int>()->default_value(cores), "results do not depend on it")(
        "device", text("cpu"), "where to train: cpu, cuda or opencl")(
        "out", po::value<std::string>(), "folder for the run")("force", po::bool_switch(),
                                                               "replace a run that is there")(
        "resume", po::bool_switch(), "go on with the run in --out; start it if there is none")(
        "keep", text("last"), "weights to leave: last, or best (highest validation accuracy)")(
        "checkpoint-seconds", po::value<double>()->default_value(60),
        "seconds between checkpoints within an epoch; 0: at its end alone")(
        "recipe", text("default"), "how to train: default, plain or thorough")(
        "rate", po::value<double>(), "learning rate, or its peak, instead of the recipe's")(
        "schedule", po::value<std::string>(), "constant or one_cycle, instead of the recipe's")(
        "warmup", po::value<double>(), "share of a cycle in which the rate rises")(
        "shift", po::value<int>(), "pixels of random shift (0 to 4), instead of the recipe's")(
        "semantics", text("keras"), "whose optimisers: keras or pytorch")(
        "classes", po::value<std::string>(), "train and validate on these alone, as in 0-5")(
        "holdout", po::value<double>()->default_value(0),
        "share of the training images to validate on; 0: validate on the test images")(
        "transpose", po::bool_switch(), "images are stored column by column, as EMNIST's")(
        "config", po::value<std::string>(), "file of flags, such as a run's config.toml")(
        "json", po::bool_switch(), "print one JSON object, no progress")(
        "verbose", po::bool_switch(), "say which instruction set runs");
    return all;
}

TrainConfig train_config(const po::variables_map& values, const std::string& optimizer) {
    TrainConfig config;
    config.loss = values["loss"].as<std::string>();
    config.optimizer = optimizer;
    config.semantics = parse_semantics(values["semantics"].as<std::string>());
    config.seed = values["seed"].as<std::uint64_t>();
    const std::string recipes = linked_recipes(values["model"].as<std::string>());
    config.recipe =
        find_recipe(recipes, values["recipe"].as<std::string>(), config.loss, config.optimizer);
    if (values.count("epochs")) config.recipe.epochs = values["epochs"].as<int>();
    if (values.count("batch")) config.recipe.batch = values["batch"].as<int>();
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
    const double seconds = values["checkpoint-seconds"].as<double>();
    require(seconds >= 0 && seconds <= 1e9, "--checkpoint-seconds: 0 to 1e9");
    parse_keep(values["keep"].as<std::string>());
    require(config.recipe.shift >= 0 && config.recipe.shift <= 4, "--shift: 0 to 4 pixels");
    return config;
}

Settings settings_of(const po::variables_map& values, const TrainConfig& config) {
    Settings settings;
    for (const char* key : {"model", "loss", "data", "recipe", "semantics", "classes", "device"})
        if (values.count(key)) settings[key] = values[key].as<std::string>();
    settings["epochs"] = std::int64_t{config.recipe.epochs};
    settings["batch"] = std::int64_t{config.recipe.batch};
    settings["threads"] = std::int64_t{values["threads"].as<int>()};
    const RateSchedule& schedule = config.recipe.schedule;
    const bool constant = schedule.kind == RateSchedule::Kind::constant;
    settings["seed"] = static_cast<std::int64_t>(config.seed);
    settings["holdout"] = values["holdout"].as<double>();
    if (values["transpose"].as<bool>()) settings["transpose"] = true;
    settings["optimizer"] = config.optimizer;
    settings["keep"] = values["keep"].as<std::string>();
    settings["checkpoint-seconds"] = values["checkpoint-seconds"].as<double>();
    settings["rate"] = schedule.peak;
    settings["schedule"] = std::string(constant ? "constant" : "one_cycle");
    settings["warmup"] = schedule.warmup;
    settings["shift"] = std::int64_t{config.recipe.shift};
    return settings;
}

DataFlags data_flags(const po::variables_map& values) {
    DataFlags flags;
    flags.data = required(values, "data");
    flags.holdout = values["holdout"].as<double>();
    flags.transpose = values["transpose"].as<bool>();
    if (values.count("classes")) flags.classes = values["classes"].as<std::string>();
    return flags;
}

}  // namespace siamc
