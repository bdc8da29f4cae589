#include "apps/linked_models.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "core/error.h"

namespace siamc {

const siamc_model& find_model(const std::string& name) {
    std::vector<std::string> names;
    for (const siamc_model* model : linked_models()) {
        if (name == model->name) return *model;
        names.emplace_back(model->name);
    }
    fail(Exit::usage, "--model: no model '{}' in this program\n  write: one of {}", name,
         fmt::join(names, ", "));
}

}  // namespace siamc
