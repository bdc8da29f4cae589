// What a model makes of a batch, for others to be compared with.
#pragma once

#include <filesystem>

#include "core/model.h"
#include "tuples.h"

namespace siamc {

// What the model makes of a loss's batches at these parameters, as safetensors (float32):
//   images                 [rows][pixels]: stored values times 1 / 255; rows of a tuple in a row
//   labels                 [tuples], of images for losses that see the whole batch; 0 of triplets
//   params/NAME            as the model names and shapes them
//   loss, grad/NAME        of the first batch: [1], the mean, and what the parameters are shaped as
//   embedding              [rows][embedding_size] of the images of the first batch
// Errors as write_safetensors.
void write_reference(const std::filesystem::path& file, Model& model, const siamc_loss& loss,
                     const FloatBuffer& parameters, const ImageSet& images, TupleQueue& tuples,
                     int batch);

}  // namespace siamc
