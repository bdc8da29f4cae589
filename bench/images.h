// What the benches look at.
#pragma once

#include <string>

#include "core/model.h"
#include "data/image_set.h"

namespace siamc {

// That many images of the model's size. `data`: "noise", in which hardly a pixel is 0, so that
// nothing can be skipped; "glyphs"; or a folder with MNIST's files. Images repeat where there are
// fewer. Errors as load_dataset and Model::check_images.
ImageSet bench_images(const std::string& data, const siamc_model& tables, long count);

ImageSet first_images(const ImageSet& images, long count);

// Of all pixels.
double share_of_zeros(const ImageSet& images);

// 1 and 0 in turn: half of the pairs are similar.
float made_up_label(long tuple);

// Of an image of a batch: 16 classes of 8 images each, batch after batch of 128.
int made_up_class(long image);

}  // namespace siamc
