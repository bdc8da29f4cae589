#include "apps/linked_models.h"

#include <HalideRuntime.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/programs.h"
#include "core/error.h"
#include "core/model.h"
#include "core/wording.h"

namespace siamc {

namespace {

void add_once(std::vector<std::string>& names, const char* name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

}  // namespace

std::string program_for(const std::string& task) {
    const std::string name = linked.program;
    return task + name.substr(name.find('_'));
}

std::vector<std::string> linked_model_names() {
    std::vector<std::string> names;
    for (const auto& [model, recipes] : linked.models)
        if (!model->device) add_once(names, model->name);
    return names;
}

std::vector<std::string> linked_loss_names() {
    std::vector<std::string> names;
    for (const auto& [model, recipes] : linked.models)
        for (int l = 0; l < model->loss_count; ++l) add_once(names, model->losses[l].name);
    return names;
}

std::vector<std::string> linked_versions() {
    return {fmt::format("Halide {}.{}.{}", HALIDE_VERSION_MAJOR, HALIDE_VERSION_MINOR,
                        HALIDE_VERSION_PATCH),
            Model(*linked.models.front().tables).describe_variant()};
}

std::string linked_recipes(const std::string& name) {
    for (const auto& [model, recipes] : linked.models)
        if (name == model->name && recipes) return recipes;
    return default_recipes;
}

const siamc_model& find_model(const std::string& name, const std::string& device) {
    std::vector<std::string> names, devices;
    for (const auto& [model, recipes] : linked.models) {
        const std::string on = model->device ? model->device : "cpu";
        if (name == model->name && device == on) return *model;
        if (name == model->name) devices.push_back(on);
        if (on == "cpu") names.emplace_back(model->name);
    }
    if (!devices.empty())
        fail(Exit::usage,
             "--device: model {} is not in this program for '{}'\n  write: one of {}, or build it "
             "with -DSIAMC_DEVICES={}",
             name, device, fmt::join(devices, ", "), device);
    fail(Exit::usage,
         "--model: no model '{}' in this program\n  write: one of {}, or a file: NAME.toml or "
         "libNAME.so",
         printable(name), fmt::join(names, ", "));
}

}  // namespace siamc
