#include "frontend/toml_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/toml.h"
#include "core/wording.h"

namespace siamc::compiler {

namespace {

SourceLocation to_location(const toml::source_position& position) {
    return {static_cast<int>(position.line), static_cast<int>(position.column)};
}

}  // namespace

toml::table parse_toml(const std::string& text) {
    try {
        return read_toml(text);
    } catch (const TomlFault& fault) {
        throw ModelError({fault.line, fault.column}, fault.what(), printable(fault.why),
                         fault.instead);
    }
}

SourceLocation location_of(const toml::node& node) {
    return to_location(node.source().begin);
}

SourceLocation location_of(const toml::key& key) {
    return to_location(key.source().begin);
}

std::string real_text(double value) {
    std::string text = fmt::format("{}", value);
    const bool whole = text.find_first_not_of("-0123456789") == std::string::npos;
    return whole ? text + ".0" : text;
}

std::string described(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::string:
            return "the text " + in_quotes(node.as_string()->get());
        case toml::node_type::integer:
            return fmt::format("{}", node.as_integer()->get());
        case toml::node_type::floating_point:
            return real_text(node.as_floating_point()->get());
        case toml::node_type::boolean:
            return node.as_boolean()->get() ? "true" : "false";
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "a list";
        default:
            return "a date or time";
    }
}

std::optional<double> real_of(const toml::node& node) {
    if (!node.is_number()) return std::nullopt;
    const double number = node.value<double>().value();
    const double size = std::abs(number);
    const bool fits =
        size >= std::numeric_limits<float>::min() && size <= std::numeric_limits<float>::max();
    return fits || number == 0 ? std::optional(number) : std::nullopt;
}

std::vector<Entry> entries(const toml::table& table) {
    std::vector<Entry> result;
    for (auto&& [key, value] : table) result.push_back({&key, &value});
    std::sort(result.begin(), result.end(), [](const Entry& a, const Entry& b) {
        return a.key->source().begin < b.key->source().begin;
    });
    return result;
}

void reject_unknown_keys(const toml::table& table, const std::string& owner,
                         const std::vector<KeyForm>& forms) {
    std::vector<std::string> known;
    for (const KeyForm& form : forms) known.push_back(form.key);
    for (const Entry& entry : entries(table)) {
        if (std::find(known.begin(), known.end(), entry.name()) != known.end()) continue;
        const std::string near = nearest(entry.name(), known);
        std::string instead = "the model without this key";
        for (const KeyForm& form : forms) {
            if (form.key == near) instead = form.form;
        }
        throw ModelError(location_of(*entry.key),
                         fmt::format("unknown key {} in {}", in_quotes(entry.name()), owner),
                         fmt::format("{} has {} only", owner, listed(known)), instead);
    }
}

const toml::table& require_table(const toml::table& model, const std::string& key,
                                 const std::string& why) {
    const toml::node* node = model.get(key);
    if (!node) {
        throw ModelError(top_of_file, fmt::format("the model has no [{}]", key), why,
                         fmt::format("[{}] on a line of its own, its keys below", key));
    }
    if (!node->is_table()) {
        throw ModelError(location_of(*node),
                         fmt::format("[{}] must be a table, not {}", key, described(*node)), why,
                         fmt::format("[{}] on a line of its own, once, its keys below", key));
    }
    return *node->as_table();
}

}  // namespace siamc::compiler
