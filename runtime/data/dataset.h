// A data set as programs use it, and the ways to take a part of one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/image_set.h"

namespace siamc {

struct Dataset {
    std::string name;  // of the folder, for titles and reports
    ImageSet train, test;
};

// Reads MNIST's four files, plain or with ".gz", from a folder: train-images-idx3-ubyte,
// train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte; "." may stand for the
// dash before "idx". missing_input, naming every name tried, if one is absent; bad_data as
// read_idx, and if training and test images differ in size.
Dataset load_dataset(const std::filesystem::path& folder);

// The images of the given numbers, in their order.
ImageSet take(const ImageSet& set, std::span<const std::int32_t> images);

// The images of some classes, or of all others, in the set's order; labels stay as they are. usage
// if the set has no image of one of the classes, or if nothing is left.
ImageSet take_classes(const ImageSet& set, const std::vector<int>& classes);
ImageSet without_classes(const ImageSet& set, const std::vector<int>& classes);

struct Split {
    ImageSet train, validation;
};

// Parts a training set in two, so that hyper-parameters can be chosen without the test set.
// `fraction` of every class's images (rounded to the nearest number, but never all of them) go to
// validation, chosen at random: a pure function of (set.labels, fraction, seed). Both parts keep
// the set's order. usage unless 0 < fraction < 1.
Split split(const ImageSet& set, double fraction, std::uint64_t seed);

}  // namespace siamc
