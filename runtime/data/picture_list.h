// Pictures that a list names: NAME.csv, a line "path,label" for each, and perhaps a third field
// that says "train" or "test". Paths are from the list's folder on. A first line of just these
// words
// ("path,label" or "path,label,part") is a heading. Fields may stand in double quotes, within which
// a quote is doubled (RFC 4180).
#pragma once

#include <filesystem>

#include "data/dataset.h"

namespace siamc {

bool is_picture_list(const std::filesystem::path& data);

// Without a third field all pictures are for training. bad_data with the line if one has not two or
// three fields, if one is empty or if the third is neither word; missing_input if a picture is not
// there; errors as read_labelled.
Dataset load_picture_list(const std::filesystem::path& data, const DataRequest& request);

}  // namespace siamc
