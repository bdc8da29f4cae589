// The images that a program's flags ask for.
#pragma once

#include <optional>
#include <string>

#include "core/model.h"
#include "data/split.h"

namespace siamc {

// As the command line has them.
struct DataFlags {
    std::string data;
    std::optional<std::string> classes;
    double holdout = 0;  // training alone
    bool transpose = false, invert = false;
    siamc_resize_mode resize = SIAMC_FIT;
};

// Training and validation images: a share of the training images with --holdout, else the test
// images. Nothing that isn't asked for has to be there. Fails, before any training, if they are not
// of the model's size, or if pairs and triplets cannot be drawn from them.
Split load_split(const DataFlags& flags, const Model& model);

// The test images; training data need not be there.
ImageSet load_test_images(const DataFlags& flags, const Model& model);

}  // namespace siamc
