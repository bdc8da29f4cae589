// Which pixel of each pooling window won, and what gradients make of it: the gradient of a pooled
// image is 0 at every pixel but the winners, and need never be written out. With windows of 2 x 2,
// convolution's gradients then take a quarter of their multiply-adds; the rest would add zeros.
#pragma once

#include "layers/op.h"

namespace siamc::compiler {

// (image) -> uint8: which pixel of each window is the largest, counted row by row; of equal ones
// the first. Attributes of the pooling node.
const Op& winner_op();

// (winner, adjoint) -> of the image that was pooled; attributes of the pooling node, and "dims",
// the image's.
const Op& unpool_op();

// Gradients of a convolution whose result was pooled, from the pooled adjoint. Attributes of the
// pooling node; "conv_stride", the convolution's; "dims", those of the result or of the kernel.

// (winner, adjoint, turned kernel) -> of the convolution's image.
const Op& grad_input_won_op();

// (image, winner, adjoint) -> of the kernel per slice, as [filters inputs width height]: a vector
// takes filters, so the image may have few channels.
const Op& grad_kernel_by_place_op();

// (image as [channels pixels], winner, adjoint) -> of the kernel per slice, as
// [inputs width height filters]: a vector takes channels. Attribute "line": the image's width.
const Op& grad_kernel_won_op();

// (partial sums as grad_kernel_won leaves them) -> their sum as [filters inputs width height].
const Op& sum_won_slices_op();

}  // namespace siamc::compiler
