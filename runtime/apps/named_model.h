// What --model names: a model that is linked into the program, a model's TOML file, or a library
// that siamc compiled from one.
#pragma once

#include <siamc/siamc.h>

#include <string>

#include "training/recipe.h"

namespace siamc {

// As a run's settings keep it: a file by its path from the root.
std::string settled_model(const std::string& model);

// Whether it is a file, which may lie elsewhere the next time.
bool is_model_file(const std::string& model);

// The recipes of NAME.recipes.toml beside NAME.toml or libNAME.so, or those that the program has
// for the linked model; its default ones where there are none. Errors as read_file.
RecipeFile recipes_of(const std::string& model);

// Its tables for a device ("cpu", "cuda", "opencl") and up to so many tuples a step; a TOML file is
// compiled if it has to be. Of a library libNAME.so the one for a device is libNAME_cuda.so beside
// it. usage if there is no such model; errors as find_model, compiled_model, load_model_library.
const siamc_model& named_model(const std::string& model, const std::string& device, int batch);

}  // namespace siamc
