// A network on Omniglot's published one-shot runs, beside what needs no learning.
#pragma once

#include <vector>

#include "core/buffer.h"
#include "core/model.h"
#include "data/omniglot_runs.h"
#include "evaluation/accuracy.h"

namespace siamc {

struct OmniglotResult {
    Accuracy network;             // by the nearest embedding, as count_right
    Accuracy pixels;              // count_right_by_pixels, of the pictures as stored
    Accuracy modified_hausdorff;  // 0.6125 on the published runs
    double chance = 0;            // mean over the queries
    std::size_t runs = 0;
};

// What the network was trained on.
struct Preparation {
    siamc_resize_mode resize = SIAMC_FIT;
    bool inverted = false;
};

// Queries of all runs together. usage if the model reads no pictures; bad_data if a run's pictures
// differ in size.
OmniglotResult evaluate_omniglot(Model& model, const FloatBuffer& parameters,
                                 const std::vector<OmniglotRun>& runs,
                                 const Preparation& preparation);

}  // namespace siamc
