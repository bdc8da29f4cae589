#include "data/formats.h"

#include <utility>

#include "core/error.h"
#include "data/class_folders.h"
#include "data/mnist_folder.h"
#include "data/numpy_folder.h"
#include "data/picture_files.h"
#include "data/picture_list.h"

namespace siamc {

std::span<const DataFormat> data_formats() {
    static constexpr DataFormat formats[] = {
        {"MNIST's IDX files", has_mnist_files, load_mnist_files},
        {"numpy's x_train.npy and the like", has_numpy_files, load_numpy_files},
        {"pictures in class folders or a zip of them", has_picture_files, load_class_folders},
        {"a list of pictures as NAME.csv", is_picture_list, load_picture_list},
    };
    return formats;
}

void check_size(const DataRequest& request, ImageSize stored) {
    if (!request.check_size) return;
    if (request.transposed) std::swap(stored.height, stored.width);
    request.check_size(stored.height, stored.width);
}

void check_same_size(const std::filesystem::path& data, ImageSize train, ImageSize test) {
    if (train == test) return;
    fail(Exit::bad_data,
         "{}: training images are {} x {}, test images {} x {}: the files don't belong together",
         data.string(), train.height, train.width, test.height, test.width);
}

std::string advice_without(bool test, const DataRequest& request) {
    return test && request.train
               ? ", or hold out some of the training images instead (--holdout 0.2)"
               : "";
}

}  // namespace siamc
