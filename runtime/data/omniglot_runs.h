// Omniglot's one-shot task (Lake, Salakhutdinov and Tenenbaum, Science 2015) as it was published:
// all_runs.zip, or the folder it unpacks to. 20 runs of 20 characters of one alphabet, each shown
// by one picture and asked about by another hand's; run*/class_labels.txt has a line for each,
// "run01/test/item01.png run01/training/class08.png".
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/picture.h"

namespace siamc {

struct OmniglotRun {
    std::string name;                   // "run01"
    std::vector<Picture> shown, asked;  // grey, as stored: ink is 0
    std::vector<int> answers;           // asked[i] is shown[answers[i]]'s class
};

// In the order of their names. missing_input if there is no class_labels.txt or a picture that one
// names; bad_data, with file and line, if a line is another or a run has no two classes; the
// errors of open_picture_files and decode_picture.
std::vector<OmniglotRun> load_omniglot_runs(const std::filesystem::path& data);

}  // namespace siamc
