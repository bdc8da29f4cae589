// The images that a program's flags ask for.
#pragma once

#include <optional>
#include <string>

#include "core/model.h"
#include "data/holdout.h"
#include "training/split_record.h"

namespace siamc {

// As the command line has them.
struct DataFlags {
    std::string data;
    std::optional<std::string> classes;
    Holdout holdout;  // training alone
    bool drop_shared = false;
    bool transpose = false, invert = false;
    siamc_resize_mode resize = SIAMC_FIT;
};

// Training and validation images: a part of the training images that is held out, or else the test
// images. Nothing that isn't asked for has to be there. Fails, before any training, if they are not
// of the model's size, if pairs and triplets cannot be drawn from them, or if the same image is in
// both (unless those are to be dropped).
Split load_split(const DataFlags& flags, const Model& model);

// Which images of a data set: its test images, those that a run held out of its training images, or
// all that there are.
enum class Part { test, validation, all };

// usage unless it is "test", "validation" or "all".
Part parse_part(const std::string& text);

// The images of a part that `flags` ask for. Of a run's validation images `run` are the flags that
// it was trained with and `record` what it was validated on: usage if it held none out, bad_data if
// these are others.
ImageSet load_test_images(const DataFlags& flags, const Model& model);
ImageSet load_all_images(const DataFlags& flags, const Model& model);
ImageSet load_validation_images(const DataFlags& flags, const DataFlags& run,
                                const SplitRecord& record, const Model& model);

}  // namespace siamc
