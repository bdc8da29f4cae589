// Pictures of any size with the names of their classes, as images of a data set: what forms that
// hold pictures have in common.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/picture_files.h"

namespace siamc {

struct LabelledPicture {
    std::size_t number;  // among the files
    std::string class_name;
};

struct LabelledParts {
    std::vector<LabelledPicture> train, test;
};

// usage if the model reads no pictures, or --transpose is asked for.
void check_reads_pictures(const std::string& data, const DataRequest& request);

// The parts that are asked for, in their order. Labels number the classes in the order of their
// names, of both parts together; where all names are whole numbers, they are the labels.
// missing_input if a part is asked for that has no picture; errors as PictureFiles::read and
// decode_picture.
Dataset read_labelled(PictureFiles& files, const LabelledParts& parts,
                      const std::filesystem::path& data, const DataRequest& request);

}  // namespace siamc
