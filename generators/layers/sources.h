// What graphs get from outside. Row tensors of the batch are prepared by the caller of a generated
// step.
#pragma once

#include <string>
#include <vector>

#include "layers/op.h"

namespace siamc::compiler {

const Op& images_op();      // bytes as stored, [pixels] per stored image; attribute "dims"
const Op& embeddings_op();  // float32 as computed before, per stored image; attribute "dims"
const Op& rows_op();        // index of each row's image in `images`; attribute "branch"
const Op& places_op();      // [branches] per tuple: the slice's image row that each branch shows
const Op& shifts_op();      // [2] per row: pixels that the image is moved right and down; "branch"
const Op& label_op();       // 1: the tuple's images are of one class, 0: they are not
const Op& weight_op();      // of each tuple in the loss: 1 / real tuples, 0 for padding
// Where a tuple is one image, of a loss over the batch.
// Class of each image: a whole number, -1 for padding; below classes_attribute, if there is one.
const Op& class_op();
const Op& image_weight_op();  // as weight_op, of each image
const Op& ordinal_op();       // each image's row in the batch
// What each image weighs in a mean over all that the batch's tuples show; "branch". Until twins are
// folded; then it is made of the weights of the tuples (layers/structural.h).
const Op& row_weight_op();
const Op& noise_op();      // of each image 32 random bits, others in each step; "branch"
const Op& parameter_op();  // attributes "dims", perhaps "initial" and is_statistic

// Attribute of a parameter: it has no gradient but a step of its own (Op::steps), and lies in front
// of all that optimisers move.
constexpr const char* is_statistic = "statistic";

// The parameter of that name and shape, made on its first use. `initial`: what all its numbers are
// before training; without, they are drawn (two dims and more) or 0.
Edge parameter(Graph& graph, const std::string& name, const std::vector<long>& dims,
               SourceLocation location, std::optional<double> initial = {});
// A statistic of so many numbers.
Edge statistic(Graph& graph, const std::string& name, long size, SourceLocation location,
               double initial);
// What a layer reads of each row in training beside its input: row_weight_op, noise_op.
Edge source_of_rows(Graph& graph, const Op& op, const LayerUse& use);

}  // namespace siamc::compiler
