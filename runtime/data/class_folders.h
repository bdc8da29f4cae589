// Pictures in class folders, in a folder or a zip: CLASS/*.png, or ALPHABET/CHARACTER/*.png as
// Omniglot's, whose classes are "ALPHABET/CHARACTER".
//
// Where there is a folder train, or training, all lies in it or in one beside it: test or testing,
// or where there is none of those val, valid or validation. Else all of it is for training, and
// --holdout takes a share away. A single folder around everything counts for nothing.
//
// Pictures are in the order of their paths, and labels number the classes in the order of their
// names, of both parts together; where all names are whole numbers, they are the labels.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"

namespace siamc {

// The errors of open_picture_files and decode_picture; bad_data if a picture lies in no class
// folder, or, where there is a folder train, in none of those above; missing_input if a part that
// is asked for is absent; usage if the request's size has no pixels.
Dataset load_class_folders(const std::filesystem::path& data, const DataRequest& request);

// Of each picture's path the folders that it lies in, without those around everything: its class.
// Empty where it lies in none. Views into the names.
std::vector<std::string_view> class_names(const std::vector<std::string>& names);

}  // namespace siamc
