// The operations that convolution's gradients are made of, and pooled convolution's in particular.
#pragma once

#include "layers/op.h"
#include "layers/windows.h"

namespace siamc {

// A convolution node's window: its kernel (input 1) over its places, `stride` apart.
Window convolution_window(const Graph& graph, const Node& node);

// (image) -> larger: pixel p comes to before + p * step, all others are 0. Attributes "before"
// {x, y}, "step", and the result's extents as places_attribute.
const Op& pad_op();

// (kernel [filters inputs width height]) -> [inputs filters width height], turned by half a turn.
const Op& turn_kernel_op();

// (image, adjoint) -> per slice of the batch, the kernel's gradient; attributes "stride", "dims".
const Op& grad_kernel_op();

// (adjoint) -> per slice of the batch, the bias's gradient.
const Op& grad_bias_op();

// (partial sums, one per slice) -> their sum.
const Op& sum_slices_op();

}  // namespace siamc
