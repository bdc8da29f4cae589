// The operations that convolution's gradients are made of, and pooled convolution's in particular.
#pragma once

#include "layers/op.h"
#include "layers/windows.h"

namespace siamc::compiler {

// Attributes of convolutions and their gradients, 1 where they are absent: into how many equal
// groups channels and filters are cut, each filter seeing the channels of its group alone; pixels
// between those of a window.
constexpr const char* groups_attribute = "groups";
constexpr const char* dilation_attribute = "dilation";
int groups_of(const Node& convolution);
int dilation_of(const Node& convolution);
// All channels seen by all filters, windows without gaps.
inline bool is_plain(const Node& convolution) {
    return groups_of(convolution) == 1 && dilation_of(convolution) == 1;
}

// A convolution node's window: its kernel (input 1) over its places, `stride` apart.
Window convolution_window(const Graph& graph, const Node& node);

// The image's channel that input `input` of a filter's kernel [filters inputs ...] meets.
Halide::Expr channel_of(const Node& convolution, const std::vector<int>& kernel,
                        const Halide::Expr& filter, const Halide::Expr& input);

// (image) -> larger: pixel p comes to before + p * step, all others are 0. Attributes "before"
// {x, y}, "step", and the result's extents as places_attribute.
const Op& pad_op();

// (image, kernel[, bias]) -> the convolution.
const Op& conv2d_op();

// (kernel [filters inputs width height]) -> [inputs filters width height], turned by half a turn;
// of groups, the inputs of all of them and the filters of one.
const Op& turn_kernel_op();

// (image, adjoint) -> per slice of the batch, the kernel's gradient; attributes "stride", "dims".
const Op& grad_kernel_op();
// The same for processors.
const Op& grad_kernel_by_image_op();

// (adjoint) -> per slice of the batch, the bias's gradient.
const Op& grad_bias_op();

// (partial sums, one per slice) -> their sum.
const Op& sum_slices_op();

}  // namespace siamc::compiler
