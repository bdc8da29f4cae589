// Convolution by 3 x 3 kernels with 16 instead of 36 multiplications for 2 x 2 results, or with 36
// instead of 144 for 4 x 4: F(2 x 2, 3 x 3) and F(4 x 4, 3 x 3) of Lavin and Gray, "Fast Algorithms
// for Convolutional Neural Networks" (2015), after Winograd. It sums differently: results agree
// with the direct sums within rounding, which is larger where more is saved.
#pragma once

#include "layers/op.h"

namespace siamc::compiler {

constexpr int winograd_taps = 3;  // a side of the kernel

// Results of a tile's side, 2 or 4, of both operations. A tile has as many pixels and two more.
constexpr const char* results_attribute = "results";
int winograd_results(const Node& node);

// Filters of a block, whose weights lie together: a vector, or some.
constexpr int filter_block = 16;

// (kernel [filters inputs 3 3]) -> [16 inputs side side blocks]: the weights of each block of
// filters by the places of a tile.
const Op& winograd_kernel_op();

// (image, transformed kernel[, bias]) -> what conv2d of stride 1 gives; attributes "filters" and
// places_attribute.
const Op& winograd_op();

}  // namespace siamc::compiler
