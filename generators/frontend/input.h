// The [input] table of a model file.
#pragma once

#include <toml++/toml.h>

#include "frontend/model_spec.h"

namespace siamc::compiler {

// Reads and checks [input] of the whole `model`. Throws ModelError.
InputSpec read_input(const toml::table& model);

}  // namespace siamc::compiler
