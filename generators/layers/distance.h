// What the distances share: two embeddings of one shape in, one number a tuple out.
#pragma once

#include <string>

#include "layers/structural.h"

namespace siamc::compiler {

// Shape rule of distances; throws ModelError if the embeddings differ in shape.
Shape distance_shape(const Graph& graph, const Node& node);

// Shape rule of their gradients: that of the first input.
inline Shape distance_grad_shape(const Graph& graph, const Node& node) {
    return shape_of_first(graph, node);
}

// out(row) = sum over c < size of (a(c, row) - b(c, row))^2. Differences first: the expanded form
// a.a + b.b - 2 a.b cancels for embeddings that nearly agree.
Halide::Func squared_distance(const Halide::Func& a, const Halide::Func& b, int size);

// A distance layer without attributes.
Layer distance_layer(const std::string& name, const std::string& help, const Op& op);

}  // namespace siamc::compiler
