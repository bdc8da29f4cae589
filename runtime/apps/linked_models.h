// What the build linked into this program (programs.h), for those who ask.
#pragma once

#include <siamc/siamc.h>

#include <string>
#include <vector>

namespace siamc {

// "eval" gives the name of the program that evaluates what this one trains, "train" the other way.
std::string program_for(const std::string& task);

// Names for tables of flags: of the models, and of the losses that any of them has.
std::vector<std::string> linked_model_names();
std::vector<std::string> linked_loss_names();

// For --version: Halide's version, and the instruction set that the models run with here.
std::vector<std::string> linked_versions();

// models/default.recipes.toml
extern const char* const default_recipes;

// The text of the model's recipes file, or the default one.
std::string linked_recipes(const std::string& model);

// `device`: "cpu", "cuda" or "opencl". usage, naming those there are, if the program has no model
// of that name, or not for that device.
const siamc_model& find_model(const std::string& name, const std::string& device = "cpu");

}  // namespace siamc
