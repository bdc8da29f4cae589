// A model's parameters as a safetensors file: one tensor per parameter, in numpy's shape order, and
// the hash of their names, shapes and order (siamc_model) as metadata.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/model.h"
#include "training/safetensors.h"

namespace siamc {

// Gives the SHA-256 of the file. Errors as write_safetensors.
std::string save_weights(const std::filesystem::path& path, const Model& model,
                         const FloatBuffer& parameters);

// bad_data, naming the first difference, unless the file holds this model's parameters, all finite,
// and, where it carries a parameter hash, that of the model's library; otherwise as
// read_safetensors. Parameters that only losses have may be others in a file with a hash: what has
// the model's shape is read. A file that is longer than weights can be is not read.
FloatBuffer load_weights(const std::filesystem::path& path, const Model& model);

// What files of a model's flat buffers (weights, checkpoints) are made of.

// The parameters' tensors in a flat buffer, which they are views of; `prefix` goes before names.
std::vector<TensorView> tensors_of(const Model& model, const FloatBuffer& flat,
                                   const std::string& prefix = "");

// The metadata that ties a file to the model, of the given format ("siamc weights 1").
SafetensorsFile::Metadata metadata_of(const Model& model, const std::string& format);

// bad_data unless the file has the hash of the model's parameters, or none, a tensor of the right
// shape for each of them, and so many tensors in all as that many flat buffers have; `path` for
// messages.
void check_fit(const SafetensorsFile& file, const std::string& path, const Model& model,
               std::size_t buffers = 1);

// The flat buffer whose tensors have that prefix in the file. bad_data if one is missing, has
// another shape or a value that is not finite.
FloatBuffer take_flat(const SafetensorsFile& file, const std::string& path, const Model& model,
                      const std::string& prefix = "");

// The most bytes that a file of so many flat buffers can have beside its header.
std::size_t most_bytes_of(const Model& model, std::size_t buffers);

}  // namespace siamc
