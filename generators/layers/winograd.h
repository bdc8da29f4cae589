// Convolution by 3 x 3 kernels with 16 instead of 36 multiplications for 2 x 2 results, or with 36
// instead of 144 for 4 x 4: F(2 x 2, 3 x 3) and F(4 x 4, 3 x 3) of Lavin and Gray, "Fast Algorithms
// for Convolutional Neural Networks" (2015), after Winograd. It sums differently: results agree
// with the direct sums within rounding, which is larger where more is saved.
#pragma once

#include "layers/op.h"

namespace siamc::compiler {

constexpr int winograd_taps = 3;  // a side of the kernel

// Of a tile's side: results, 2 or 4, and pixels.
constexpr const char* results_attribute = "results";  // of both operations
int winograd_results(const Node& node);
constexpr int winograd_side(int results) {
    return results + winograd_taps - 1;
}

// Tiles that cover all places of a result.
long winograd_tiles(const Shape& result, int results);

// Filters of a block, whose weights lie together: a vector, or some.
constexpr int filter_block = 16;

// Channels above this have to be a multiple of a block: fewer are transformed all at once.
constexpr int most_ragged_channels = 80;

// (kernel [filters inputs 3 3]) -> [16 inputs side side blocks]: the weights of each block of
// filters by the places of a tile.
const Op& winograd_kernel_op();

// (image, transformed kernel[, bias]) -> what conv2d of stride 1 gives; attributes
// filters_attribute and places_attribute.
constexpr const char* filters_attribute = "filters";
const Op& winograd_op();

}  // namespace siamc::compiler
