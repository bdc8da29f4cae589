// What a run was trained and validated on, as its folder keeps it: split.json.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "data/split.h"

namespace siamc {

struct SplitRecord {
    std::string held_out;             // "class:0.2"; "test": the data set's own test images
    std::set<std::string> trained;    // names of classes, or numbers
    std::set<std::string> validated;  // likewise
    long train_images = 0, validation_images = 0;
    std::string train_hash, validation_hash;  // images_hash of the two

    bool validates_test_images() const { return held_out == "test"; }
    // None of the classes that it was validated on was trained on.
    bool unseen_classes() const;
};

SplitRecord record_of(const Split& sets, const std::string& held_out);

// Atomically; errors as write_file_atomically.
void write_split(const std::filesystem::path& path, const SplitRecord& record);

// missing_input or bad_data if there is none, or if it is not what write_split writes.
SplitRecord read_split(const std::filesystem::path& path);

// How many of the set's classes, by their names, the run was trained on.
long count_trained(const SplitRecord& record, const ImageSet& set);

}  // namespace siamc
