// How a model is best trained, kept as data beside the model (models/fc.recipes.toml): of the
// project's own models what was chosen on a split of the training set, compiled into the programs
// that link them.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "sampling/pairs.h"
#include "sampling/warps.h"
#include "training/average.h"
#include "training/schedule.h"
#include "training/settings.h"

namespace siamc {

// What recipes and flags may say.
constexpr double most_rate = 1e30;
constexpr int most_shift = 4;  // pixels: what the kernels can move images by
constexpr int most_epochs = 1'000'000;
constexpr int most_batch = 65536;
constexpr double most_label_noise = 0.4;  // at a half labels would say nothing

struct Recipe {
    RateSchedule schedule;             // its peak is the optimiser's rate
    std::set<std::string> rated = {};  // optimisers that it has a rate for
    int shift = 0;                     // training images are moved by up to so many pixels each way
    bool quarter_turns = false;        // they are turned, as classes of their own
    Warp warp;                         // they are deformed, anew in each epoch
    int epochs = 10;
    int batch = 128;           // tuples a step
    int images_per_class = 4;  // of a batch, for losses that see it whole
    LabelNoise noise;          // for losses that see pairs
    Averaging averaging;
};

struct RecipeFile {
    std::string where;  // for messages: a path
    std::string text;
};

// Errors as read_file.
RecipeFile read_recipes(const std::filesystem::path& file);

// The recipe of that name for a loss and an optimiser. Keys of a recipe's table hold for all
// losses; [recipe.LOSS] overrides them. usage, naming those there are, if there is none of that
// name; bad_data with line and column if what the recipe says is not understood or out of range.
Recipe find_recipe(const RecipeFile& recipes, const std::string& name, const std::string& loss,
                   const std::string& optimizer);

// What it says of flags that the recipe itself depends on: loss, optimizer, semantics, as the
// command line takes them. Errors as find_recipe.
Settings recipe_choices(const RecipeFile& recipes, const std::string& name);

}  // namespace siamc
