// A folder of numpy's files as numpy.save writes them: x_train.npy, y_train.npy, x_test.npy and
// y_test.npy, named as Keras names a data set's parts. Images are unsigned bytes
// [n][height][width], or with one channel behind; labels whole numbers [n] of any size, or [n][1].
#pragma once

#include <filesystem>

#include "data/dataset.h"

namespace siamc {

bool has_numpy_files(const std::filesystem::path& data);

// missing_input, naming it, if a file that is asked for is absent; bad_data with the file if one is
// not numpy's, holds another type or shape or order than this, is longer or shorter than it says,
// or if parts do not belong together; out_of_memory.
Dataset load_numpy_files(const std::filesystem::path& data, const DataRequest& request);

}  // namespace siamc
