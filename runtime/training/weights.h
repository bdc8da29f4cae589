// A model's parameters as a safetensors file: one tensor per parameter, in numpy's shape order.
#pragma once

#include <filesystem>

#include "core/model.h"

namespace siamc {

// Errors as write_safetensors.
void save_weights(const std::filesystem::path& path, const Model& model,
                  const FloatBuffer& parameters);

// bad_data, naming the tensor, unless the file holds exactly this model's parameters; otherwise as
// read_safetensors.
FloatBuffer load_weights(const std::filesystem::path& path, const Model& model);

}  // namespace siamc
