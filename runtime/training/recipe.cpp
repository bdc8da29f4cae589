#include "training/recipe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <vector>

#include "core/error.h"

namespace siamc {

namespace {

void apply(const toml::table& table, const std::string& optimizer, Recipe& recipe) {
    if (const auto kind = table["schedule"].value<std::string>())
        recipe.schedule.kind = parse_schedule(*kind);
    recipe.schedule.warmup = table["warmup"].value_or(recipe.schedule.warmup);
    recipe.schedule.peak = table["rate"][optimizer].value_or(recipe.schedule.peak);
    recipe.shift = table["shift"].value_or(recipe.shift);
}

}  // namespace

Recipe find_recipe(const std::string& recipes_toml, const std::string& name,
                   const std::string& loss, const std::string& optimizer) {
    try {
        const toml::table recipes = toml::parse(recipes_toml);
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
    } catch (const toml::parse_error& error) {
        fail(Exit::internal, "the model's recipes: {}", error.description());
    }
}

}  // namespace siamc
