#include "apps/train_options.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "apps/named_model.h"
#include "apps/train_run.h"
#include "core/error.h"
#include "core/wording.h"
#include "data/picture.h"

namespace siamc {

namespace {

constexpr const char* usual_recipe = "default";

// A program with a model of its own has that model's losses.
std::string usual_loss() {
    const std::vector<std::string> losses = linked_loss_names();
    const std::string usual = "contrastive";
    return std::find(losses.begin(), losses.end(), usual) != losses.end() ? usual : losses.front();
}

cli::Group what() {
    cli::Option resize = resize_option();
    resize.initial = "fit";
    return {
        "What to train",
        {data_option(),
         transpose_option(),
         invert_option(),
         resize,
         {.name = "model",
          .kind = cli::Text{cli::Text::Of::file, linked_model_names()},
          .initial = linked_model_names().front(),
          .help = listed(linked_model_names(), "or") +
                  ", or your own: NAME.toml, compiled when it is new, or libNAME.so"},
         {.name = "loss",
          .kind = cli::Text{cli::Text::Of::words, linked_loss_names()},
          .initial = usual_loss(),
          .help = "one that the model has: contrastive compares pairs, triplet triplets, "
                  "batch_hard and its like all images of a batch"},
         classes_option("train and validate on these alone, as in 0-5 or 1,3,7"),
         {.name = "split",
          .fallback = "none",
          .help = "what is held out of the training images to validate and calibrate on: "
                  "image:0.2, a share of each class, or class:0.2, classes never trained on; none: "
                  "the test images validate"},
         {.name = "holdout",
          .kind = cli::Real{.least = 0, .most = 1, .below = true},
          .initial = "0",
          .without = {"split"},
          .help = "0.2 is short for --split image:0.2"},
         {.name = "drop-shared",
          .kind = cli::Flag{},
          .help = "leave out of training what validation shows too, instead of an error"},
         {.name = "operating-point",
          .initial = "eer",
          .help = "of the threshold that is fitted to held-out images: eer, or far:0.01 for 1 "
                  "% of false accepts"}}};
}

std::vector<std::string> optimizers_and_all() {
    std::vector<std::string> names = known_optimizers();
    names.emplace_back("all");
    return names;
}

cli::Group how() {
    return {"How to train",
            {{.name = "recipe",
              .kind = cli::Text{cli::Text::Of::words, {"default", "plain", "thorough"}},
              .initial = usual_recipe,
              .help = "what flags leave open: those below, and --loss"},
             {.name = "recipes",
              .kind = cli::a_file,
              .fallback = "NAME.recipes.toml beside the model",
              .help = "file with the recipe"},
             {.name = "epochs",
              .kind = cli::Whole{1, most_epochs},
              .unit = "epochs",
              .fallback = "the recipe's",
              .help = "passes over the training images"},
             {.name = "batch",
              .kind = cli::Whole{1, most_batch},
              .unit = "tuples",
              .fallback = "the recipe's",
              .help = "pairs, triplets or, of a loss that sees the whole batch, images a step"},
             {.name = "optimizer",
              .kind = cli::Word{optimizers_and_all()},
              .initial = "adam",
              .help = "sgd has momentum 0.9; all compares those that the recipe has a rate for"},
             {.name = "semantics",
              .kind = cli::Word{{"keras", "pytorch"}},
              .initial = "keras",
              .help = "whose optimisers"},
             {.name = "rate",
              .kind = cli::Real{.least = 0, .most = most_rate, .above = true},
              .fallback = "the recipe's",
              .help = "learning rate, or its peak"},
             {.name = "schedule",
              .kind = cli::Word{{"constant", "one_cycle"}},
              .fallback = "the recipe's",
              .help = "of the learning rate"},
             {.name = "warmup",
              .kind = cli::Real{.least = 0, .most = 1, .above = true, .below = true},
              .fallback = "the recipe's",
              .help = "share of one_cycle in which the rate rises"},
             {.name = "average",
              .kind = cli::Word{{"none", "ema"}},
              .fallback = "the recipe's",
              .help = "of the weights over the steps, to validate and to leave"},
             {.name = "average-decay",
              .kind = cli::Real{.least = 0, .most = 1, .above = true, .below = true},
              .fallback = "the recipe's",
              .help = "what a step leaves of an older one's weight in ema"},
             {.name = "seed",
              .kind = cli::Whole{0, std::numeric_limits<std::int64_t>::max()},
              .initial = "0",
              .help = "of weights, samples, label noise, shifts and deformations"}}};
}

cli::Group deformations() {
    cli::Group group{"How training images are deformed", {}};
    for (const WarpKind& kind : warp_kinds())
        group.options.push_back({.name = kind.name,
                                 .kind = cli::Real{.least = 0, .most = kind.most},
                                 .unit = kind.unit,
                                 .fallback = "the recipe's",
                                 .help = kind.help});
    return group;
}

cli::Group samples() {
    return {"What a step shows",
            {{.name = "images-per-class",
              .kind = cli::Whole{2, most_batch / 2},
              .unit = "images",
              .fallback = "the recipe's",
              .help = "of each class in a batch, for losses that see it whole"},
             {.name = "quarter-turns",
              .kind = cli::Flag{},
              .help = "training images turned by 90, 180 and 270 degrees are classes too"},
             {.name = "shift",
              .kind = cli::Whole{0, most_shift},
              .unit = "pixels",
              .fallback = "the recipe's",
              .help = "random shift of training images"},
             {.name = "label-noise",
              .kind = cli::Real{.least = 0, .most = most_label_noise},
              .fallback = "the recipe's",
              .help = "share of the training pairs that have the wrong label"},
             {.name = "label-noise-from",
              .kind = cli::Whole{1, most_epochs},
              .unit = "epoch",
              .fallback = "the recipe's",
              .help = "the first with that noise"}}};
}

cli::Group run() {
    return {"The run",
            {{.name = "out", .kind = cli::a_folder, .required = true, .help = "folder for the run"},
             {.name = "force", .kind = cli::Flag{}, .help = "replace a run that is there"},
             {.name = "resume",
              .kind = cli::Flag{},
              .on_line_only = true,
              .without = {"force"},
              .help = "go on with the run in --out; start it if there is none"},
             {.name = "keep",
              .kind = cli::Word{{"last", "best"}},
              .initial = "last",
              .help = "weights to leave; best: of the highest validation accuracy"},
             {.name = "checkpoint-seconds",
              .kind = cli::Real{.least = 0, .most = 1e9},
              .unit = "seconds",
              .initial = "60",
              .help = "between checkpoints within an epoch; 0: at its end alone"},
             {.name = "device",
              .kind = cli::Word{{"cpu", "cuda", "opencl"}},
              .initial = "cpu",
              .help = "where to train"},
             threads_option(),
             config_option(),
             json_option(),
             verbose_option()}};
}

// usage for flags that would change nothing; recipes may say what only longer runs come to.
void check_said(const cli::Values& values, const Recipe& recipe) {
    if (values.on_line("warmup") && recipe.schedule.kind == RateSchedule::Kind::constant)
        fail(Exit::usage,
             "--warmup: says nothing for a constant rate\n  write: --schedule "
             "one_cycle too, or leave it out");
    if (values.on_line("average-decay") && recipe.averaging.kind == Averaging::Kind::none)
        fail(Exit::usage,
             "--average-decay: says nothing without an average\n  write: --average ema too, or "
             "leave it out");
    const bool from = values.on_line("label-noise-from");
    if (from && recipe.noise.share == 0)
        fail(Exit::usage,
             "--label-noise-from: says nothing without noise\n  write: --label-noise 0.1 too, or "
             "leave it out");
    if ((from || values.on_line("label-noise")) && recipe.noise.share > 0 &&
        recipe.noise.from > recipe.epochs)
        fail(Exit::usage,
             "--label-noise: it is to begin in epoch {}, but there are {}\n  write: "
             "--label-noise-from 1, or more --epochs",
             recipe.noise.from, recipe.epochs);
}

}  // namespace

std::vector<cli::Group> train_options() {
    return {what(), how(), samples(), deformations(), run()};
}

RecipeFile recipe_file(const cli::Values& values) {
    if (values.has("recipes")) return read_recipes(values.text("recipes"));
    return recipes_of(values.has("model") ? values.text("model") : linked_model_names().front());
}

std::string recipe_name(const cli::Values& values) {
    return values.has("recipe") ? values.text("recipe") : usual_recipe;
}

namespace {

Recipe recipe_of(const cli::Values& values, const std::string& optimizer) {
    return find_recipe(recipe_file(values), recipe_name(values), values.text("loss"), optimizer);
}

// Of a recipe that has rates for others alone, none is a default.
void check_rated(const cli::Values& values, const Recipe& recipe, const std::string& optimizer) {
    if (values.has("rate") || recipe.rated.empty() || recipe.rated.contains(optimizer)) return;
    fail(Exit::usage,
         "--optimizer: the recipe {} has no rate for {}\n  write: --rate 0.001, or "
         "{} = 0.001 among the rates of the recipe",
         values.text("recipe"), optimizer, optimizer);
}

}  // namespace

std::vector<std::string> compared_optimizers(const cli::Values& values) {
    const std::vector<std::string>& known = known_optimizers();
    const Recipe recipe = recipe_of(values, known[0]);
    std::vector<std::string> compared;
    for (const std::string& name : known)
        if (recipe.rated.empty() || recipe.rated.contains(name)) compared.push_back(name);
    return compared;
}

TrainConfig train_config(const cli::Values& values, const std::string& optimizer) {
    TrainConfig config;
    config.loss = values.text("loss");
    config.optimizer = optimizer;
    config.semantics = parse_semantics(values.text("semantics"));
    config.seed = static_cast<std::uint64_t>(values.whole64("seed"));
    config.recipe = recipe_of(values, optimizer);
    check_rated(values, config.recipe, optimizer);
    RateSchedule& schedule = config.recipe.schedule;
    if (values.has("epochs")) config.recipe.epochs = values.whole("epochs");
    if (values.has("batch")) config.recipe.batch = values.whole("batch");
    if (values.has("images-per-class"))
        config.recipe.images_per_class = values.whole("images-per-class");
    if (values.flag("quarter-turns")) config.recipe.quarter_turns = true;
    if (values.has("rate")) schedule.peak = values.real("rate");
    if (values.has("schedule")) schedule.kind = parse_schedule(values.text("schedule"));
    if (values.has("warmup")) schedule.warmup = values.real("warmup");
    if (values.has("shift")) config.recipe.shift = values.whole("shift");
    for (const WarpKind& kind : warp_kinds())
        if (values.has(kind.name)) config.recipe.warp.*kind.amount = values.real(kind.name);
    Averaging& averaging = config.recipe.averaging;
    if (values.has("average")) averaging.kind = parse_average(values.text("average"));
    if (values.has("average-decay")) averaging.decay = values.real("average-decay");
    LabelNoise& noise = config.recipe.noise;
    if (values.has("label-noise")) noise.share = values.real("label-noise");
    if (values.has("label-noise-from")) noise.from = values.whole("label-noise-from");
    check_said(values, config.recipe);
    return config;
}

Settings settings_of(const cli::Values& values, const TrainConfig& config) {
    Settings settings;
    for (const char* key : {"loss", "data", "recipe", "semantics", "classes", "device"})
        if (values.has(key)) settings[key] = values.text(key);
    settings["model"] = settled_model(values.text("model"));
    if (values.has("recipes"))
        settings["recipes"] = std::filesystem::absolute(values.text("recipes")).string();
    settings["epochs"] = std::int64_t{config.recipe.epochs};
    settings["batch"] = std::int64_t{config.recipe.batch};
    settings["images-per-class"] = std::int64_t{config.recipe.images_per_class};
    settings["threads"] = std::int64_t{values.whole("threads")};
    const RateSchedule& schedule = config.recipe.schedule;
    const bool constant = schedule.kind == RateSchedule::Kind::constant;
    settings["seed"] = static_cast<std::int64_t>(config.seed);
    settings["holdout"] = values.real("holdout");
    if (values.has("split")) settings["split"] = values.text("split");
    settings["operating-point"] = values.text("operating-point");
    for (const char* key : {"transpose", "invert", "drop-shared"})
        if (values.flag(key)) settings[key] = true;
    if (config.recipe.quarter_turns) settings["quarter-turns"] = true;
    settings["resize"] = values.text("resize");
    settings["optimizer"] = config.optimizer;
    settings["keep"] = values.text("keep");
    settings["checkpoint-seconds"] = values.real("checkpoint-seconds");
    settings["rate"] = schedule.peak;
    settings["schedule"] = std::string(constant ? "constant" : "one_cycle");
    settings["warmup"] = schedule.warmup;
    settings["shift"] = std::int64_t{config.recipe.shift};
    for (const WarpKind& kind : warp_kinds()) settings[kind.name] = config.recipe.warp.*kind.amount;
    const bool averages = config.recipe.averaging.kind == Averaging::Kind::ema;
    settings["average"] = std::string(averages ? "ema" : "none");
    settings["average-decay"] = config.recipe.averaging.decay;
    settings["label-noise"] = config.recipe.noise.share;
    settings["label-noise-from"] = std::int64_t{config.recipe.noise.from};
    return settings;
}

DataFlags data_flags(const cli::Values& values) {
    DataFlags flags;
    flags.data = values.text("data");
    flags.holdout = values.has("split") ? parse_holdout(values.text("split"))
                                        : Holdout{Holdout::Of::images, values.real("holdout")};
    flags.drop_shared = values.flag("drop-shared");
    flags.transpose = values.flag("transpose");
    flags.invert = values.flag("invert");
    flags.resize = *resize_mode(values.text("resize"));
    if (values.has("classes")) flags.classes = values.text("classes");
    return flags;
}

}  // namespace siamc
