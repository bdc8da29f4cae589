// What a model makes of a batch, for others to be compared with.
#pragma once

#include <filesystem>
#include <string>

#include "core/model.h"

namespace siamc {

// One batch of each loss on bench_images(data) at the parameters of seed 0, as safetensors
// (float32):
//   images                 [rows][pixels]: stored values times 1 / 255; rows of a tuple in a row
//   labels                 [tuples], for losses on pairs
//   classes                [tuples], for losses that see the whole batch: of its images
//   params/NAME            as the model names and shapes them
//   loss/LOSS              [1]: mean over the batch
//   grad/LOSS/NAME
//   embedding              [rows][embedding_size] of all images
// A loss of b branches reads the first b * tuples images. Errors as bench_images and
// write_safetensors.
void write_reference(const std::filesystem::path& file, const siamc_model& tables,
                     const std::string& data, int tuples);

}  // namespace siamc
