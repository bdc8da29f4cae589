// The models and recipes that the build put into this program (cmake/SiamcModel.cmake).
#pragma once

#include <siamc/siamc.h>

#include <span>
#include <string>
#include <vector>

namespace siamc {

std::span<const siamc_model* const> linked_models();

// Names for tables of flags: of the models, and of the losses that any of them has.
std::vector<std::string> linked_model_names();
std::vector<std::string> linked_loss_names();

// For --version: Halide's version, and the instruction set that the models run with here.
std::vector<std::string> linked_versions();

// The text of the model's recipes file; of models that have none models/default.recipes.toml.
std::string linked_recipes(const std::string& model);

// `device`: "cpu", "cuda" or "opencl". usage, naming those there are, if the program has no model
// of that name, or not for that device.
const siamc_model& find_model(const std::string& name, const std::string& device = "cpu");

}  // namespace siamc
