#include "apps/named_model.h"

#include <algorithm>
#include <filesystem>

#include "apps/linked_models.h"
#include "apps/model_cache.h"
#include "apps/programs.h"
#include "core/error.h"
#include "core/model.h"
#include "core/model_library.h"
#include "core/wording.h"

namespace siamc {

namespace {

namespace fs = std::filesystem;

constexpr int least_batch = 128;  // a library for it serves all smaller ones as well

bool is_description(const std::string& model) {
    return fs::path(model).extension() == ".toml";
}

bool is_library(const std::string& model) {
    return fs::path(model).extension() == ".so";
}

// What the program's own models run as here. A library of one instruction set takes less than
// half of the time that one for all of them takes, and this processor is the one that will run it.
std::string own_target() {
    const siamc_model& own = *linked.models.front().tables;
    const std::string target = own.target;
    return own.library->variant_count > 1 ? target + "-" + Model(own).variant() : target;
}

void check_there(const fs::path& file, const std::string& instead) {
    std::error_code ignored;
    if (fs::status(file, ignored).type() == fs::file_type::not_found)
        fail(Exit::missing_input, "--model: there is no file {}\n  write: {}",
             printable(file.string()), instead);
}

constexpr const char* its_path = "--model with its path, if it lies elsewhere";

const siamc_model& load_library(const fs::path& file, const std::string& device) {
    const fs::path wanted =
        device == "cpu" ? file : file.parent_path() / (file.stem().string() + "_" + device + ".so");
    check_there(wanted, device == "cpu" ? its_path
                                        : "siamc compile MODEL.toml --target x86-64-linux-" +
                                              device + " --shared, into the same folder");
    const siamc_model& tables = load_model_library(wanted);
    const std::string made_for = tables.device ? tables.device : "cpu";
    if (made_for == device) return tables;
    const std::string suffix = "_" + made_for + ".so", text = wanted.string();
    fail(Exit::usage,
         "--model: {} is a library for {}, beside which the one for processors is needed\n  write: "
         "--model {} --device {}, with both in one folder",
         printable(text), made_for,
         printable(text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) + ".so"
                                          : text),
         made_for);
}

}  // namespace

bool is_model_file(const std::string& model) {
    return is_description(model) || is_library(model);
}

std::string settled_model(const std::string& model) {
    return is_model_file(model) ? fs::absolute(model).lexically_normal().string() : model;
}

RecipeFile recipes_of(const std::string& model) {
    if (is_model_file(model)) {
        const fs::path file = model;
        const std::string name = is_library(model) ? name_of_library(file) : file.stem().string();
        const fs::path recipes = file.parent_path() / (name + ".recipes.toml");
        if (std::error_code unreadable; fs::exists(recipes, unreadable))
            return read_recipes(recipes);
    }
    return {"the program's recipes for " + model, linked_recipes(model)};
}

const siamc_model& named_model(const std::string& model, const std::string& device, int batch) {
    if (is_library(model)) return load_library(model, device);
    if (!is_description(model)) return find_model(model, device);
    check_there(model, its_path);
    const std::string target = device == "cpu" ? own_target() : "x86-64-linux-" + device;
    return compiled_model(model, target, std::max(batch, least_batch));
}

}  // namespace siamc
