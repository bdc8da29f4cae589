// Operations that every graph has, whatever its layers: reading images, views, the rows that tuples
// show, and the plumbing that differentiation adds.
#pragma once

#include <string>
#include <vector>

#include "layers/op.h"
#include "layers/sources.h"

namespace siamc::compiler {

// (images, rows, shifts) -> float32, scaled; pixels moved in from outside are 0.
// Attributes: "dims" innermost first, "scale".
const Op& gather_op();

// Attribute of a gather: pixels are read where they are stored, one by one. Else the image is first
// copied into a tile with a border, from which vectors are read whatever the shift.
constexpr const char* element_by_element = "element_by_element";

// (embeddings, rows) -> the embeddings of the rows.
const Op& lookup_op();

// The same numbers under attribute "dims"; a node that is nothing but a view.
const Op& reshape_op();
Edge reshape(Graph& graph, Edge value, const std::vector<int>& dims, const std::string& name,
             SourceLocation location);

// (image-row tensor) -> the rows of the whole batch, for whoever looks at other images; (partial
// sums) -> those of all slices. A view: what reads it waits until all slices have come so far
// (Kernel::phase).
const Op& across_op();
Edge across(Graph& graph, Edge value);

const Op& add_op();  // also what a layer is made of: add.cpp
const Op& negate_op();
// (kernel) -> its transpose.
const Op& transpose_op();
// (image-row tensor, places) -> the rows that the tuples show as branch "branch".
const Op& pick_op();
Edge pick(Graph& graph, Edge value, int branch);
Edge places(Graph& graph);
// The weights of the batch's tuples, or where these are single images, of the images.
Edge tuple_weights(Graph& graph, bool of_images);
// (one tuple tensor per branch, places) -> image rows, each the sum over the places that show it;
// with the list of active images as a last input, rows of those (layers/active_tuples.h).
const Op& pick_grad_op();

// (weight of each tuple, places) -> of each image the mean over the branches of what tuples that
// show it there weigh: these add up to 1.
const Op& shown_weight_op();

// Where images are not listed but lie tuple by tuple, as the caller names them (GPUs). Attribute of
// all three: how many branches a tuple has.
constexpr const char* branches_attribute = "branches";
// (image-row tensor) -> the rows of the tuples' branch "branch".
const Op& branch_op();
// (one tuple tensor per branch) -> image rows.
const Op& branch_grad_op();
// (weight of each tuple) -> of each image, an equal part of it.
const Op& branch_weight_op();

// Shape rules: the result looks like the first input, or it has attribute "dims" and the rows of
// the first input.
Shape shape_of_first(const Graph& graph, const Node& node);
Shape shape_of_dims(const Graph& graph, const Node& node);

// Appends what belongs to a node, as its gradient does: its name with a suffix, its place in the
// model file.
Edge add_for(Graph& graph, const Node& node, const Op& op, const std::string& suffix,
             std::vector<Edge> inputs, Attributes attributes = {});

// Index variables for a tensor of that shape: one per dimension, then the row unless Rows::none.
std::vector<Halide::Var> index_vars(const Shape& shape);

// out(row) = sum over c < size of a(c, row) * b(c, row)
Halide::Func dot(const Halide::Func& a, const Halide::Func& b, int size, const std::string& name);

}  // namespace siamc::compiler
