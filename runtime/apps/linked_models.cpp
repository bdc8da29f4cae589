#include "apps/linked_models.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "core/error.h"

namespace siamc {

const siamc_model& find_model(const std::string& name, const std::string& device) {
    std::vector<std::string> names, devices;
    for (const siamc_model* model : linked_models()) {
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
    fail(Exit::usage, "--model: no model '{}' in this program\n  write: one of {}", name,
         fmt::join(names, ", "));
}

}  // namespace siamc
