#include "training/recipe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "core/error.h"
#include "core/toml.h"

namespace siamc {

namespace {

// A key that is not there leaves the value as it is.
template <typename Value, typename View>
void read(const View& view, const char* key, Value& value) {
    if (!view) return;
    const auto found = view.template value<Value>();
    if (!found) fail(Exit::internal, "the model's recipes: {} has a value of the wrong kind", key);
    value = *found;
}

void apply(const toml::table& table, const std::string& optimizer, Recipe& recipe) {
    std::string kind;
    read(table["schedule"], "schedule", kind);
    if (!kind.empty()) recipe.schedule.kind = parse_schedule(kind);
    read(table["warmup"], "warmup", recipe.schedule.warmup);
    read(table["rate"][optimizer], "rate", recipe.schedule.peak);
    read(table["shift"], "shift", recipe.shift);
    read(table["epochs"], "epochs", recipe.epochs);
    read(table["batch"], "batch", recipe.batch);
}

}  // namespace

Recipe find_recipe(const std::string& recipes_toml, const std::string& name,
                   const std::string& loss, const std::string& optimizer) {
    try {
        const toml::table recipes = read_toml(recipes_toml);
        const toml::table* table = recipes[name].as_table();
        if (!table) {
            std::vector<std::string> names;
            for (const auto& [key, value] : recipes) names.emplace_back(key.str());
            fail(Exit::usage, "--recipe: the model has no recipe '{}'\n  write: one of {}", name,
                 fmt::join(names, ", "));
        }
        Recipe recipe;
        apply(*table, optimizer, recipe);
        if (const toml::table* special = (*table)[loss].as_table())
            apply(*special, optimizer, recipe);
        return recipe;
    } catch (const TomlFault& fault) {
        fail(Exit::internal, "the model's recipes:{}:{}: {}: {}", fault.line, fault.column,
             fault.what(), fault.why);
    }
}

}  // namespace siamc
