// The forms in which data sets come: one file and one line in formats.cpp each.
#pragma once

#include <filesystem>
#include <span>
#include <string>

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

// ---- what all of them check, before they read pixels --------------------------------------------

struct ImageSize {
    int height = 0, width = 0;  // as stored

    bool operator==(const ImageSize&) const = default;
};

// The request's own check.
void check_size(const DataRequest& request, ImageSize stored);

// bad_data if they differ. `data`: for the message.
void check_same_size(const std::filesystem::path& data, ImageSize train, ImageSize test);

// What a message of a missing file goes on with: what to do without test images.
std::string advice_without(bool test, const DataRequest& request);

}  // namespace siamc
