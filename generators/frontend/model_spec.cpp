#include "frontend/model_spec.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "core/files.h"
#include "core/wording.h"
#include "frontend/attributes.h"
#include "frontend/input.h"
#include "frontend/reserved_names.h"
#include "frontend/toml_text.h"
#include "layers/op.h"

namespace siamc::compiler {

namespace {

const std::vector<KeyForm>& model_keys() {
    static const std::vector<KeyForm> forms = {{"name", "name = \"...\""},
                                               {"input", "[input]"},
                                               {"layer", "[[layer]]"},
                                               {"distance", "[distance]"},
                                               {"loss", "[loss.NAME]"}};
    return forms;
}

std::string read_name(const toml::table& model) {
    const std::string why = "the generated library, header and functions are named after it";
    const toml::node* node = model.get("name");
    if (!node) {
        throw ModelError(top_of_file, "the model has no name", why,
                         "name = \"fc\" above the first [table]");
    }
    const toml::value<std::string>* text = node->as_string();
    if (!text || !is_model_name(text->get())) {
        throw ModelError(
            location_of(*node),
            fmt::format("the model's name must be a short identifier, not {}", described(*node)),
            why,
            fmt::format("a letter, then letters, digits or _, {} at most", longest_model_name));
    }
    const std::string conflict = name_conflict(text->get());
    if (!conflict.empty())
        throw ModelError(
            location_of(*node), fmt::format("a model cannot be named {}", in_quotes(text->get())),
            conflict,
            fmt::format("name = \"{}\"", ("my_" + text->get()).substr(0, longest_model_name)));
    return text->get();
}

// The layer or distance that the key `type` of `table` names.
LayerSpec read_typed(const toml::table& table, LayerKind kind, const std::vector<Layer>& layers) {
    const toml::node* type = table.get("type");
    const std::string known = listed(names_of(layers, kind), "or");
    if (!type) {
        throw ModelError(location_of(table), fmt::format("a {} without \"type\"", to_string(kind)),
                         "the type says what it computes", "type = one of " + known);
    }
    if (!type->is_string()) {
        throw ModelError(location_of(*type),
                         fmt::format("\"type\" of a {} must be text in quotes, not {}",
                                     to_string(kind), described(*type)),
                         "the type says what it computes", "type = one of " + known);
    }
    LayerSpec spec;
    spec.type = type->as_string()->get();
    spec.location = location_of(*type);
    const Layer& layer = require_layer(layers, spec.type, kind, spec.location);
    spec.attributes = read_attributes(table, layer, spec.location);
    return spec;
}

std::vector<std::string> required_attributes(const Layer& layer) {
    std::vector<std::string> names;
    for (const AttributeRule& rule : layer.attributes) {
        if (!rule.fallback) names.push_back(rule.name);
    }
    return names;
}

// The layer that `activation = "NAME"` stands for: any that has a default for every attribute.
LayerSpec activation_layer(const std::string& name, SourceLocation location,
                           const std::vector<Layer>& layers) {
    std::vector<std::string> known = {"none"};
    for (const Layer& layer : layers) {
        if (layer.kind != LayerKind::layer) continue;
        const std::vector<std::string> required = required_attributes(layer);
        if (layer.name == name && !required.empty()) {
            throw ModelError(
                location, fmt::format("{} cannot be an activation", in_quotes(name)),
                fmt::format("it needs {}, and an activation has no attributes", listed(required)),
                fmt::format("a [[layer]] of its own with type = \"{}\"", name));
        }
        if (layer.name == name) {
            LayerSpec spec{name, {}, location};
            for (const AttributeRule& rule : layer.attributes) {
                if (rule.name != "activation") spec.attributes[rule.name] = *rule.fallback;
            }
            return spec;
        }
        if (required.empty()) known.push_back(layer.name);
    }
    const std::string near = nearest(name, known);
    for (std::string& choice : known) choice = in_quotes(choice);
    throw ModelError(
        location, fmt::format("unknown activation {}", in_quotes(name)),
        fmt::format("there are {}", listed(known)),
        near.empty() ? "one of these names" : fmt::format("activation = \"{}\"", near));
}

// Takes the attribute `activation` out of `spec`, which was read from `table`, and returns the
// layer that it stands for, if any.
std::optional<LayerSpec> take_activation(LayerSpec& spec, const toml::table& table,
                                         const std::vector<Layer>& layers) {
    const auto attribute = spec.attributes.find("activation");
    if (attribute == spec.attributes.end()) return std::nullopt;
    const std::string* text = std::get_if<std::string>(&attribute->second);
    if (!text) return std::nullopt;
    const std::string name = *text;
    spec.attributes.erase(attribute);
    if (name == "none") return std::nullopt;
    const toml::node* value = table.get("activation");
    return activation_layer(name, value ? location_of(*value) : spec.location, layers);
}

constexpr std::size_t most_layers = 200;

std::vector<LayerSpec> read_layers(const toml::table& model, const std::vector<Layer>& layers) {
    const toml::node* node = model.get("layer");
    const std::string instead = "[[layer]] on a line of its own for each layer, its keys below";
    if (!node) {
        throw ModelError(top_of_file, "the model has no [[layer]]",
                         "the layers make an embedding of an image", instead);
    }
    const toml::array* list = node->as_array();
    if (!list || list->empty()) {
        throw ModelError(location_of(*node),
                         fmt::format("\"layer\" must be a list of tables, not {}",
                                     list ? "an empty list" : described(*node)),
                         "the layers make an embedding of an image, in the order of the file",
                         instead);
    }
    std::vector<LayerSpec> specs;
    for (const toml::node& element : *list) {
        if (specs.size() >= most_layers) {
            throw ModelError(
                location_of(element), fmt::format("a model of more than {} layers", most_layers),
                "each layer is compiled, an activation too", "a model of fewer layers");
        }
        const toml::table* table = element.as_table();
        if (!table) {
            throw ModelError(location_of(element),
                             fmt::format("a layer must be a table, not {}", described(element)),
                             "a layer has a type and attributes", instead);
        }
        LayerSpec spec = read_typed(*table, LayerKind::layer, layers);
        std::optional<LayerSpec> activation = take_activation(spec, *table, layers);
        specs.push_back(std::move(spec));
        if (activation) specs.push_back(std::move(*activation));
    }
    return specs;
}

std::vector<LayerSpec> read_losses(const toml::table& model, const std::vector<Layer>& layers) {
    std::vector<std::string> headers;
    for (const std::string& name : names_of(layers, LayerKind::loss)) {
        headers.push_back(fmt::format("[loss.{}]", name));
    }
    const std::string why =
        "[loss] holds a table for each loss to train with, named after its type";
    const std::string instead = listed(headers, "or") + ", its attributes below";
    const toml::node* node = model.get("loss");
    if (!node) throw ModelError(top_of_file, "the model has no loss", why, instead);
    const toml::table* table = node->as_table();
    if (!table || table->empty()) {
        throw ModelError(location_of(*node),
                         fmt::format("\"loss\" must be a table of losses, not {}",
                                     table ? "an empty table" : described(*node)),
                         why, instead);
    }
    std::vector<LayerSpec> specs;
    for (const Entry& entry : entries(*table)) {
        const toml::table* attributes = entry.value->as_table();
        if (!attributes) {
            throw ModelError(location_of(*entry.value),
                             fmt::format("{} of [loss] must be a table, not {}",
                                         in_quotes(entry.name()), described(*entry.value)),
                             why, instead);
        }
        const SourceLocation location = location_of(*entry.key);
        const Layer& loss = require_layer(layers, entry.name(), LayerKind::loss, location);
        specs.push_back({loss.name, read_attributes(*attributes, loss, location), location});
    }
    return specs;
}

std::string head(SourceLocation location) {
    return location.line > 0 ? fmt::format("{}:{}: ", location.line, location.column) : "";
}

}  // namespace

ModelError::ModelError(SourceLocation location, const std::string& what, const std::string& why,
                       const std::string& instead)
    : std::runtime_error(
          fmt::format("{}error: {}\n  why: {}\n  write: {}", head(location), what, why, instead)),
      location_(location) {}

std::string ModelError::message(const std::string& file) const {
    return fmt::format("{}:{}{}", file, location_.line > 0 ? "" : " ", what());
}

ModelSpec read_model(const std::filesystem::path& file) {
    return parse_model(read_file(file, max_model_bytes));
}

ModelSpec parse_model(const std::string& text) {
    return parse_model(text, all_layers());
}

ModelSpec parse_model(const std::string& text, const std::vector<Layer>& layers) {
    const toml::table model = parse_toml(text);
    reject_unknown_keys(model, "the model", model_keys());
    ModelSpec spec;
    spec.name = read_name(model);
    spec.input = read_input(model);
    spec.layers = read_layers(model, layers);
    const toml::table& distance =
        require_table(model, "distance", "training and recognition compare embeddings with it");
    spec.distance = read_typed(distance, LayerKind::distance, layers);
    spec.losses = read_losses(model, layers);
    return spec;
}

}  // namespace siamc::compiler
