// Made-up data, and what a model makes of it, for others to be compared with.
#pragma once

#include <filesystem>

#include "core/model.h"
#include "data/image_set.h"

namespace siamc {

// Noise of the model's image size: the same bytes for the same count, and for fewer the same first
// ones. Labels count through ten classes.
ImageSet made_up_images(const siamc_model& tables, long count);

// 1 and 0 in turn: half of the pairs are similar.
float made_up_label(long tuple);

ImageSet first_images(const ImageSet& images, long count);

// One batch of each loss at the parameters of seed 0, as safetensors (float32):
//   images                 [rows][pixels]: stored values times 1 / 255; rows of a tuple in a row
//   labels                 [tuples], for losses on pairs
//   params/NAME            as the model names and shapes them
//   loss/LOSS              [1]: mean over the batch
//   grad/LOSS/NAME
//   embedding              [rows][embedding_size] of all images
// A loss of b branches reads the first b * tuples images. Errors as write_safetensors.
void write_reference(const std::filesystem::path& file, const siamc_model& tables, int tuples);

}  // namespace siamc
