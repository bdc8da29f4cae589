// A model's parameters as a safetensors file: one tensor per parameter, in numpy's shape order, and
// the hash of their names, shapes and order (siamc_model) as metadata.
#pragma once

#include <filesystem>

#include "core/model.h"

namespace siamc {

// Errors as write_safetensors.
void save_weights(const std::filesystem::path& path, const Model& model,
                  const FloatBuffer& parameters);

// bad_data, naming the first difference, unless the file holds exactly this model's parameters and,
// where it carries a parameter hash, that of the model's library; otherwise as read_safetensors.
FloatBuffer load_weights(const std::filesystem::path& path, const Model& model);

}  // namespace siamc
