// The flags of training, and what they mean.
#pragma once

#include <string>
#include <vector>

#include "apps/load_images.h"
#include "cli/table.h"
#include "cli/values.h"
#include "training/settings.h"
#include "training/trainer.h"

namespace siamc {

std::vector<cli::Group> train_options();

// The recipes of the flags' model, and which of them is asked for; even where the table's initial
// values are not in them yet. Errors as recipes_of.
RecipeFile recipe_file(const cli::Values& values);
std::string recipe_name(const cli::Values& values);

// The recipe of the flags' model, with what the flags change of it. usage for values out of range.
TrainConfig train_config(const cli::Values& values, const std::string& optimizer);

// What `--optimizer all` compares: those that the recipe has a rate for, or all where it has none.
std::vector<std::string> compared_optimizers(const cli::Values& values);

// What --config needs to repeat the run.
Settings settings_of(const cli::Values& values, const TrainConfig& config);

DataFlags data_flags(const cli::Values& values);

}  // namespace siamc
