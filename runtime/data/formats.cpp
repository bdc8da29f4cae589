#include "data/formats.h"

#include "data/mnist_folder.h"
#include "data/numpy_folder.h"

namespace siamc {

std::span<const DataFormat> data_formats() {
    static constexpr DataFormat formats[] = {
        {"MNIST's IDX files", has_mnist_files, load_mnist_files},
        {"numpy's x_train.npy and the like", has_numpy_files, load_numpy_files},
    };
    return formats;
}

}  // namespace siamc
