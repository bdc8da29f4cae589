// The forms in which data sets come: one file and one line in formats.cpp each.
#pragma once

#include <filesystem>
#include <span>

#include "data/dataset.h"

namespace siamc {

struct DataFormat {
    const char* name;  // for people: "MNIST's IDX files"
    // Whether there is a data set of this form, or at least a part of one. Looks at names alone.
    bool (*recognises)(const std::filesystem::path& data);
    // Reads it; errors as load_dataset. Checks as much as it can before it reads pixels.
    Dataset (*load)(const std::filesystem::path& data, const DataRequest& request);
};

// The first that recognises a path reads it.
std::span<const DataFormat> data_formats();

}  // namespace siamc
