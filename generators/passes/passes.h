// The compiler's steps on a graph, in the order in which make_program calls them. Each is a free
// function that returns a new graph and leaves its argument alone.
#pragma once

#include <map>
#include <string>

#include "graph/graph.h"

namespace siamc::compiler {

// Merges the branches' copies of the network into one that reads image rows. What compares branches
// then picks their rows (layers/structural.h), and weight gradients sum over the branches by
// themselves. An image that several tuples show has one row. Throws std::logic_error if the
// branches differ.
[[nodiscard]] Graph fold_twins(const Graph& graph);

// A product or convolution whose sums are then multiplied by a factor a channel, plus an offset
// (batch normalisation when embedding), has these in its kernel and bias instead. For graphs
// without gradients.
[[nodiscard]] Graph fold_affine(const Graph& graph);

// Puts maxima of windows in front of functions that commute with them (relu), which then have less
// to do. Results and gradients are the same to the bit.
[[nodiscard]] Graph pool_first(const Graph& graph);

// Leaves out what no later layer reads: the last row and column that a pooling window does not
// reach, and what they in turn would have needed. For graphs without gradients.
[[nodiscard]] Graph trim(const Graph& graph);

// Appends the gradient of the weighted sum over tuples of the loss (the graph's first output) with
// respect to every parameter, and adds these gradients to the outputs, named "grad.<parameter>" in
// the order of the parameters; and what steps take off statistics, named alike. Throws ModelError
// at the line of a layer that has no gradient.
[[nodiscard]] Graph differentiate(const Graph& graph);

// Gradients that read the gradient of a pooled image read the winners and the pooled adjoint
// instead, and leave out the multiply-adds with its zeros. Only the order of sums changes.
[[nodiscard]] Graph follow_winners(const Graph& graph);

// Convolutions by 3 x 3 kernels of stride 1 take fewer multiplications, tile by tile
// (layers/winograd.h), where that is quicker by a model of what it costs to transform an image's
// tiles and, once for so many images, the kernel. For graphs that have their gradients.
[[nodiscard]] Graph use_winograd(const Graph& graph, int images);

// Gradients of what a dense layer reads take a large kernel as it is stored, instead of a
// transposed copy. For graphs that have their gradients.
[[nodiscard]] Graph read_as_stored(const Graph& graph);

// The gradients of pairs and triplets are computed for those alone whose loss has one, and for the
// images that these show (layers/active_tuples.h). For graphs that have their gradients; what has
// no tuples that pick images stays as it is, and so does what looks across the batch, where an
// image without an adjoint of its own has one from the others.
[[nodiscard]] Graph skip_inactive(const Graph& graph);

// Products and convolutions read their weights as halves, which the prologue makes of them once. A
// weight is off by up to 2^-11 of itself; sums are of floats. For graphs without gradients.
[[nodiscard]] Graph halve_weights(const Graph& graph);

// For GPUs: each image of a tuple has a row of its own and a thread of its own reads each pixel, so
// that no thread needs what another one lists.
[[nodiscard]] Graph lay_out_for_gpu(const Graph& graph);

// Drops every node that no output depends on.
[[nodiscard]] Graph remove_unused(const Graph& graph);

// Lets sums over the batch's images skip groups of zero pixels: appends the images' activity
// (layers/active.h) to the inputs of every node that can use it. `batch`: the most tuples; what
// would list more rows or groups than the stack holds stays as it is.
[[nodiscard]] Graph skip_zeros(const Graph& graph, int batch);

}  // namespace siamc::compiler
