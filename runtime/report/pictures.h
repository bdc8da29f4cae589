// Pairs of images with what is known of them.
#pragma once

#include <span>
#include <string>

#include "report/png.h"

namespace siamc {

struct PairPicture {
    ImageView left, right;
    bool same = false;  // the truth
    double distance = 0;
    bool predicted_same = false;
};

// The pairs with their labels only.
std::string render_samples(std::span<const PairPicture> pairs);

// The wrong ones first, the farthest from the threshold leading and the first three of them marked
// as the worst; then the right ones in their order.
std::string render_predictions(std::span<const PairPicture> pairs, double threshold);

}  // namespace siamc
