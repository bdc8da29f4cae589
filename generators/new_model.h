// siamc new: a model to start from, made of one of the project's own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace siamc::compiler {

struct ExampleModel {
    std::string name;
    std::string model, recipes;  // the text of models/NAME.toml and NAME.recipes.toml
};

// Their text comes from the build (generators/CMakeLists.txt).
extern const std::vector<ExampleModel> example_models;
std::vector<std::string> example_names();

// Writes NAME.toml and NAME.recipes.toml into the folder, which is made if it is missing: the
// example's under another name. Gives their paths. usage if no model can have that name, or if one
// of the files is there already; errors of write_file_atomically.
std::vector<std::filesystem::path> write_new_model(const std::string& name,
                                                   const ExampleModel& example,
                                                   const std::filesystem::path& folder);

}  // namespace siamc::compiler
