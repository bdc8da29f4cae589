// MNIST's four files, under the names that they go by.
//
// A name is PART-KIND-idxN-ubyte: train, t10k or test; images and idx3, or labels and idx1. Each
// "-" may be "." or "_", capitals don't matter, ".gz" may follow. A set's own name may stand in
// front, as in "emnist-letters-train-images-idx3-ubyte.gz". A plain file is preferred to a packed
// one; folders are passed over.
//
// `data` is the folder, or FOLDER/NAME for the set NAME of a folder that holds several.
#pragma once

#include <filesystem>

#include "data/dataset.h"

namespace siamc {

bool has_mnist_files(const std::filesystem::path& data);

// missing_input, naming what was looked for, if one of the files asked for is absent; usage if
// there are several sets, naming them: but files without a set's name in front come first. The
// errors of IdxFiles; bad_data if training and test images differ in size.
Dataset load_mnist_files(const std::filesystem::path& data, const DataRequest& request);

}  // namespace siamc
