// How a model is best trained: what was chosen on a split of the training set, kept as data beside
// the model (models/<model>.recipes.toml) and compiled into the programs that link it.
#pragma once

#include <string>

#include "training/schedule.h"

namespace siamc {

struct Recipe {
    RateSchedule schedule;
    int shift = 0;  // training images are moved by up to so many pixels each way
    int epochs = 10;
    int batch = 128;  // tuples a step
};

// The recipe of that name for a loss and an optimiser. Keys of a recipe's table hold for all
// losses; [recipe.LOSS] overrides them. usage, naming those there are, if there is none of that
// name; internal if the text is no recipes file.
Recipe find_recipe(const std::string& recipes_toml, const std::string& name,
                   const std::string& loss, const std::string& optimizer);

}  // namespace siamc
