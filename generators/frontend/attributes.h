// Checks the attributes that a model file gives to a layer, distance or loss against its rules.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <vector>

#include "frontend/model_spec.h"
#include "layers/op.h"

namespace siamc::compiler {

// "layer", "distance" or "loss".
std::string to_string(LayerKind kind);

std::vector<std::string> names_of(const std::vector<Layer>& layers, LayerKind kind);

// The layer of that name and kind. Throws ModelError at `location` if there is none.
const Layer& require_layer(const std::vector<Layer>& layers, const std::string& name,
                           LayerKind kind, SourceLocation location);

// Every attribute of `layer`, from `table` or else its fallback. The key `type` of layers and
// distances is skipped. Throws ModelError at the offending key or value, or at `location` if a
// required attribute is missing.
Attributes read_attributes(const toml::table& table, const Layer& layer, SourceLocation location);

}  // namespace siamc::compiler
