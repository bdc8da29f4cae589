#include "frontend/attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/wording.h"
#include "frontend/toml_text.h"

namespace siamc::compiler {

namespace {

std::string attribute_text(const Attribute& value) {
    if (const long* integer = std::get_if<long>(&value)) return fmt::format("{}", *integer);
    if (const double* real = std::get_if<double>(&value)) return real_text(*real);
    if (const bool* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
    return in_quotes(std::get<std::string>(value));
}

std::string wanted(const AttributeRule& rule) {
    switch (rule.type) {
        case AttributeType::integer:
            return "a whole number";
        case AttributeType::real:
            return "a finite 32-bit number";
        case AttributeType::boolean:
            return "true or false";
        case AttributeType::text:
            break;
    }
    return "text in quotes";
}

// What to write for an attribute: its form and range, and its fallback if it has one.
std::string advice(const AttributeRule& rule) {
    const bool number = rule.type == AttributeType::integer || rule.type == AttributeType::real;
    std::string text = fmt::format("{} = {}", rule.name, wanted(rule));
    if (number) text += fmt::format(" of at least {}", rule.minimum);
    if (number && rule.maximum < any_integer) text += fmt::format(" and at most {}", rule.maximum);
    if (rule.fallback)
        text += fmt::format(", or leave it out for {}", attribute_text(*rule.fallback));
    return text;
}

// The checks of one attribute's value; every fault is reported at that value.
class ValueCheck {
  public:
    ValueCheck(const toml::node& value, const AttributeRule& rule, const Layer& layer)
        : value_(value), rule_(rule), layer_(layer) {}

    Attribute read() const {
        switch (rule_.type) {
            case AttributeType::integer:
                return integer();
            case AttributeType::real:
                return real();
            case AttributeType::boolean:
                if (!value_.is_boolean()) refuse(wanted(rule_));
                return value_.as_boolean()->get();
            case AttributeType::text:
                break;
        }
        if (!value_.is_string()) refuse(wanted(rule_));
        return value_.as_string()->get();
    }

  private:
    long integer() const {
        if (!value_.is_integer()) refuse(wanted(rule_));
        const auto number = static_cast<long>(value_.as_integer()->get());
        if (!(static_cast<double>(number) >= rule_.minimum)) refuse_small();
        if (!(static_cast<double>(number) <= rule_.maximum)) refuse_large();
        return number;
    }

    double real() const {
        const std::optional<double> number = real_of(value_);
        if (!number) refuse(wanted(rule_));
        if (!(*number >= rule_.minimum)) refuse_small();
        if (rule_.maximum < any_integer && !(*number <= rule_.maximum)) refuse_large();
        return *number;
    }

    [[noreturn]] void refuse_small() const { refuse(fmt::format("at least {}", rule_.minimum)); }
    [[noreturn]] void refuse_large() const { refuse(fmt::format("at most {}", rule_.maximum)); }

    [[noreturn]] void refuse(const std::string& demand) const {
        throw ModelError(
            location_of(value_),
            fmt::format("{} of {} {} must be {}, not {}", in_quotes(rule_.name),
                        to_string(layer_.kind), in_quotes(layer_.name), demand, described(value_)),
            fmt::format("{}: {}", rule_.name, rule_.help), advice(rule_));
    }

    const toml::node& value_;
    const AttributeRule& rule_;
    const Layer& layer_;
};

void reject_unknown(const toml::table& table, const Layer& layer) {
    std::vector<std::string> known;
    for (const AttributeRule& rule : layer.attributes) known.push_back(rule.name);
    for (const Entry& entry : entries(table)) {
        const std::string name = entry.name();
        if (name == "type" && layer.kind != LayerKind::loss) continue;
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const std::string near = nearest(name, known);
        throw ModelError(
            location_of(*entry.key),
            fmt::format("{} {} has no attribute {}", to_string(layer.kind), in_quotes(layer.name),
                        in_quotes(name)),
            known.empty() ? fmt::format("{} takes no attributes", layer.name)
                          : fmt::format("{} takes {}", layer.name, listed(known)),
            near.empty() ? "the model without this line" : fmt::format("{} = ...", near));
    }
}

// How a model file asks for a layer, distance or loss.
std::string usage(LayerKind kind, const std::string& name) {
    switch (kind) {
        case LayerKind::layer:
            return fmt::format("[[layer]] with type = \"{}\"", name);
        case LayerKind::distance:
            return fmt::format("[distance] with type = \"{}\"", name);
        case LayerKind::loss:
            break;
    }
    return fmt::format("[loss.{}]", name);
}

}  // namespace

std::string to_string(LayerKind kind) {
    switch (kind) {
        case LayerKind::layer:
            return "layer";
        case LayerKind::distance:
            return "distance";
        case LayerKind::loss:
            break;
    }
    return "loss";
}

std::vector<std::string> names_of(const std::vector<Layer>& layers, LayerKind kind) {
    std::vector<std::string> names;
    for (const Layer& layer : layers) {
        if (layer.kind == kind) names.push_back(layer.name);
    }
    return names;
}

const Layer& require_layer(const std::vector<Layer>& layers, const std::string& name,
                           LayerKind kind, SourceLocation location) {
    const Layer* namesake = nullptr;  // right name, wrong kind
    for (const Layer& layer : layers) {
        if (layer.name != name) continue;
        if (layer.kind == kind) return layer;
        namesake = &layer;
    }
    const std::string what = fmt::format("unknown {} {}", to_string(kind), in_quotes(name));
    if (namesake) {
        throw ModelError(location, what, fmt::format("{} is a {}", name, to_string(namesake->kind)),
                         usage(namesake->kind, name));
    }
    const std::vector<std::string> known = names_of(layers, kind);
    const std::string near = nearest(name, known);
    std::string instead = "one of these names";
    if (!near.empty()) {
        instead = kind == LayerKind::loss ? usage(kind, near) : fmt::format("type = \"{}\"", near);
    }
    throw ModelError(location, what, fmt::format("there are {}", listed(known)), instead);
}

Attributes read_attributes(const toml::table& table, const Layer& layer, SourceLocation location) {
    reject_unknown(table, layer);
    Attributes attributes;
    for (const AttributeRule& rule : layer.attributes) {
        if (const toml::node* value = table.get(rule.name)) {
            attributes[rule.name] = ValueCheck(*value, rule, layer).read();
        } else if (rule.fallback) {
            attributes[rule.name] = *rule.fallback;
        } else {
            throw ModelError(location,
                             fmt::format("{} {} has no {}", to_string(layer.kind),
                                         in_quotes(layer.name), in_quotes(rule.name)),
                             fmt::format("{}: {}; it has no default", rule.name, rule.help),
                             advice(rule));
        }
    }
    return attributes;
}

}  // namespace siamc::compiler
