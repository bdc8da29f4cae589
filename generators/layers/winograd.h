// Convolution by 3 x 3 kernels with 16 instead of 36 multiplications for 2 x 2 results: F(2 x 2,
// 3 x 3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), after
// Winograd. It sums differently: results agree with the direct sums
// within rounding.
#pragma once

#include "layers/op.h"

namespace siamc::compiler {

// (kernel [filters inputs 3 3]) -> [filters inputs 4 4]
const Op& winograd_kernel_op();

// (image, transformed kernel[, bias]) -> what conv2d of stride 1 gives; attribute places_attribute,
// whose extents must be even.
const Op& winograd_op();

}  // namespace siamc::compiler
