// Convolution by 3 x 3 kernels with 16 instead of 36 multiplications for 2 x 2 results, or with 36
// instead of 144 for 4 x 4: F(2 x 2, 3 x 3) and F(4 x 4, 3 x 3) of Lavin and Gray, "Fast Algorithms
// for Convolutional Neural Networks" (2015), after Winograd. Kernels of other sizes are cut into
// parts of 3 x 3, the last filled up with zeros: as many channels more, of shifted images. It sums
// differently: results agree with the direct sums within rounding, which is larger where more is
// saved.
#pragma once

#include "layers/op.h"

namespace siamc::compiler {

constexpr int winograd_taps = 3;  // a side of a part of the kernel

// Parts of 3 x 3 along a kernel's width (axis 2) or height (3).
int winograd_parts(const Shape& kernel, int axis);

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

// (kernel [filters inputs width height]) -> [16 inputs*parts side side blocks]: the weights of each
// block of filters by the places of a tile, part by part, those of a line of the kernel first.
const Op& winograd_kernel_op();

// (image, transformed kernel[, bias]) -> what conv2d of stride 1 gives; attributes
// filters_attribute, places_attribute and, parts of a line of the kernel, parts_attribute.
constexpr const char* filters_attribute = "filters";
constexpr const char* parts_attribute = "parts";
const Op& winograd_op();

}  // namespace siamc::compiler
