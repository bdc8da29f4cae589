// Convolution with fewer multiplications: by 3 x 3 kernels 16 instead of 36 for 2 x 2 results, or
// 36 instead of 144 for 4 x 4; by 4 x 4 kernels 49 instead of 256 for 4 x 4. F(2 x 2, 3 x 3) and
// F(4 x 4, 3 x 3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015),
// after Winograd, and F(4 x 4, 4 x 4) by Toom and Cook's method. Kernels of other sizes are cut
// into parts of 3 x 3 or 4 x 4, the last filled up with zeros: as many channels more, of shifted
// images. It sums differently: results agree with the direct sums within rounding, which is larger
// where more is saved.
#pragma once

#include "layers/op.h"

namespace siamc::compiler {

// Sides of a tile's results and of a part of the kernel. There are 2 by 3, 4 by 3 and 4 by 4.
struct WinogradForm {
    int results = 0, taps = 0;

    constexpr int side() const { return results + taps - 1; }  // of a tile's pixels
    constexpr int places() const { return side() * side(); }
};
constexpr WinogradForm largest_winograd_form = {4, 4};

// Attributes of both operations.
constexpr const char* results_attribute = "results";
constexpr const char* taps_attribute = "taps";
WinogradForm winograd_form(const Node& node);

// Parts along a kernel's width (axis 2) or height (3).
int winograd_parts(const Shape& kernel, int axis, int taps);

// Tiles that cover all places of a result.
long winograd_tiles(const Shape& result, int results);

// Filters of a block, whose weights lie together: a vector, or some.
constexpr int filter_block = 16;

// Channels above this have to be a multiple of a block: fewer are transformed all at once.
constexpr int most_ragged_channels = 80;

// Whether there is a schedule for such a kernel [filters inputs width height].
bool fits_winograd(const Shape& kernel);

// (kernel [filters inputs width height]) -> [16 inputs*parts side side blocks]: the weights of each
// block of filters by the places of a tile, part by part, those of a line of the kernel first.
const Op& winograd_kernel_op();

// (image, transformed kernel[, bias]) -> what conv2d of stride 1 gives; attributes
// filters_attribute, places_attribute and, parts of a line of the kernel, parts_attribute.
constexpr const char* filters_attribute = "filters";
constexpr const char* parts_attribute = "parts";
const Op& winograd_op();

}  // namespace siamc::compiler
