#include "training/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/toml.h"
#include "core/wording.h"
#include "training/optimizer.h"

namespace siamc {

namespace {

constexpr std::size_t most_recipe_bytes = std::size_t{1} << 16;
const std::vector<std::string> choice_keys = {"loss", "optimizer", "semantics"};
constexpr const char* too_far = "deformed farther, images are not what their labels say";

// Takes what a recipe's table says; keys that are not there leave the recipe as it is.
class RecipeReader {
  public:
    RecipeReader(const std::string& file, const std::string& loss, const std::string& optimizer,
                 Recipe& recipe)
        : file_(file), loss_(loss), optimizer_(optimizer), recipe_(recipe) {}

    void read(const toml::table& table, bool has_losses) {
        for (const auto& [key, node] : table) {
            const std::string name(key.str());
            if (!has_losses || !is_of_loss(name, node)) read_key(name, node);
        }
    }

  private:
    static bool contains(const std::vector<std::string>& names, const std::string& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    }

    [[noreturn]] void fail_at(const toml::node& node, const std::string& what,
                              const std::string& instead) const {
        const auto place = node.source().begin;
        fail(Exit::bad_data, "{}:{}:{}: {}\n  write: {}", file_, place.line, place.column, what,
             instead);
    }

    const toml::table& table_of(const toml::node& node, const std::string& instead) const {
        if (!node.is_table()) fail_at(node, "this is no table", instead);
        return *node.as_table();
    }

    // Which losses there are, the model knows; what is but a letter or two from one is a slip.
    bool is_of_loss(const std::string& name, const toml::node& node) const {
        if (name == "rate" || !node.is_table()) return false;
        const std::string near = nearest(name, {loss_, "contrastive", "triplet"});
        const bool as_long =
            std::max(name.size(), near.size()) <= std::min(name.size(), near.size()) + 2;
        if (!near.empty() && near != name && as_long)
            fail_at(node, fmt::format("{} is no loss", in_quotes(name)), near);
        return true;
    }

    void read_key(const std::string& name, const toml::node& node) {
        if (name == "schedule") {
            const auto kind = node.value<std::string>();
            if (!kind || (*kind != "constant" && *kind != "one_cycle"))
                fail_at(node, "this is no schedule", "schedule = \"constant\", or \"one_cycle\"");
            recipe_.schedule.kind = parse_schedule(*kind);
        } else if (name == "rate") {
            read_rates(table_of(node, "rate = { adam = 0.003 }"));
        } else if (name == "warmup") {
            recipe_.schedule.warmup = positive(name, node, 1);
        } else if (name == "shift") {
            recipe_.shift = whole(name, node, 0, most_shift);
        } else if (name == "quarter_turns") {
            const auto turns = node.value<bool>();
            if (!turns || !node.is_boolean())
                fail_at(node, "quarter_turns has a value that it cannot have",
                        "quarter_turns = true, or false");
            recipe_.quarter_turns = *turns;
        } else if (const WarpKind* warp = find_warp(name)) {
            recipe_.warp.*warp->amount = from_zero(name, node, warp->most, too_far);
        } else if (name == "epochs") {
            recipe_.epochs = whole(name, node, 1, most_epochs);
        } else if (name == "batch") {
            recipe_.batch = whole(name, node, 1, most_batch);
        } else if (name == "images_per_class") {
            recipe_.images_per_class = whole(name, node, 2, most_batch / 2);
        } else if (name == "label_noise") {
            recipe_.noise.share =
                from_zero(name, node, most_label_noise,
                          "it is the share of the pairs with a wrong label; at a half labels would "
                          "say nothing");
        } else if (name == "label_noise_from") {
            recipe_.noise.from = whole(name, node, 1, most_epochs);
        } else if (name == "average") {
            const auto kind = node.value<std::string>();
            if (!kind || (*kind != "none" && *kind != "ema"))
                fail_at(node, "this is no average of weights", "average = \"none\", or \"ema\"");
            recipe_.averaging.kind = parse_average(*kind);
        } else if (name == "average_decay") {
            recipe_.averaging.decay = positive(name, node, 1);
        } else if (contains(choice_keys, name)) {
            text(name, node);  // read_choices looks at it
        } else {
            fail_unknown(node, "key", name, known_keys());
        }
    }

    static std::vector<std::string> known_keys() {
        std::vector<std::string> keys = {
            "schedule",      "warmup",           "rate",    "shift",
            "quarter_turns", "epochs",           "batch",   "images_per_class",
            "label_noise",   "label_noise_from", "average", "average_decay"};
        keys.insert(keys.end(), choice_keys.begin(), choice_keys.end());
        for (const WarpKind& kind : warp_kinds()) keys.emplace_back(kind.name);
        return keys;
    }

    void read_rates(const toml::table& rates) {
        for (const auto& [key, node] : rates) {
            const std::string name(key.str());
            if (!contains(known_optimizers(), name))
                fail_unknown(node, "optimiser", name, known_optimizers());
            const double rate = positive(name, node, most_rate);
            recipe_.rated.insert(name);
            if (name == optimizer_) recipe_.schedule.peak = rate;
        }
    }

    [[noreturn]] void fail_unknown(const toml::node& node, const char* what,
                                   const std::string& name,
                                   const std::vector<std::string>& known) const {
        const std::string near = nearest(name, known);
        fail_at(node, fmt::format("a recipe has no {} {}", what, in_quotes(name)),
                near.empty() ? "one of " + listed(known) : near);
    }

    static const WarpKind* find_warp(const std::string& name) {
        const auto kinds = warp_kinds();
        const auto found = std::find_if(kinds.begin(), kinds.end(),
                                        [&](const WarpKind& kind) { return name == kind.name; });
        return found == kinds.end() ? nullptr : &*found;
    }

    std::string text(const std::string& key, const toml::node& node) const {
        const auto word = node.value<std::string>();
        if (!word || word->empty())
            fail_at(node, fmt::format("{} has a value that it cannot have", key),
                    fmt::format("{} = \"NAME\"", key));
        return *word;
    }

    double positive(const std::string& key, const toml::node& node, double below) const {
        const auto number = node.value<double>();
        if (!number || !(*number > 0 && *number < below))
            fail_at(node, fmt::format("{} has a value that it cannot have", key),
                    fmt::format("{} = a number above 0 and below {:g}", key, below));
        return *number;
    }

    double from_zero(const std::string& key, const toml::node& node, double most,
                     const char* why) const {
        const auto number = node.value<double>();
        if (!number || !(*number >= 0 && *number <= most))
            fail_at(node, fmt::format("{} has a value that it cannot have\n  why: {}", key, why),
                    fmt::format("{} = a number from 0 to {:g}", key, most));
        return *number;
    }

    int whole(const std::string& key, const toml::node& node, int least, int most) const {
        const auto number = node.is_integer() ? node.value<std::int64_t>() : std::nullopt;
        if (!number || *number < least || *number > most)
            fail_at(node, fmt::format("{} has a value that it cannot have", key),
                    fmt::format("{} = a whole number from {} to {}", key, least, most));
        return static_cast<int>(*number);
    }

    const std::string &file_, &loss_, &optimizer_;
    Recipe& recipe_;
};

}  // namespace

RecipeFile read_recipes(const std::filesystem::path& file) {
    return {printable(file.string()), read_file(file, most_recipe_bytes)};
}

namespace {

// Calls `read` with the recipe's table; errors as find_recipe.
template <typename Read>
void with_recipe(const RecipeFile& file, const std::string& name, Read&& read) {
    try {
        const toml::table recipes = read_toml(file.text);
        const toml::table* table = recipes[name].as_table();
        if (!table) {
            std::vector<std::string> names;
            for (const auto& [key, value] : recipes) names.emplace_back(key.str());
            fail(Exit::usage, "--recipe: {} has no recipe {}\n  write: {}", file.where,
                 in_quotes(name),
                 names.empty() ? "one into it, [default]" : "one of " + listed(names));
        }
        read(*table);
    } catch (const TomlFault& fault) {
        fail(Exit::bad_data, "{}:{}:{}: {}\n  why: {}\n  write: {}", file.where, fault.line,
             fault.column, printable(fault.what()), fault.why, printable(fault.instead));
    }
}

}  // namespace

Recipe find_recipe(const RecipeFile& file, const std::string& name, const std::string& loss,
                   const std::string& optimizer) {
    Recipe recipe;
    with_recipe(file, name, [&](const toml::table& table) {
        RecipeReader reader(file.where, loss, optimizer, recipe);
        reader.read(table, true);
        if (const toml::table* special = table[loss].as_table()) reader.read(*special, false);
    });
    return recipe;
}

Settings recipe_choices(const RecipeFile& file, const std::string& name) {
    Settings choices;
    with_recipe(file, name, [&](const toml::table& table) {
        for (const std::string& key : choice_keys)
            if (const auto word = table[key].value<std::string>()) choices[key] = *word;
    });
    return choices;
}

}  // namespace siamc
