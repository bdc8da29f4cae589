// How much a graph has to compute.
#pragma once

#include "graph/graph.h"

namespace siamc {

// Multiply-adds of one row of a layer with a kernel; 0 of other nodes.
[[nodiscard]] long multiply_adds(const Graph& graph, const Node& node);

// Multiply-adds of one row of a forward graph through its layers with kernels.
[[nodiscard]] long multiply_adds(const Graph& graph);

// The same with those of the gradients: as many for the kernels, and as many again for the inputs
// of all layers but those that read nothing trained.
[[nodiscard]] long training_multiply_adds(const Graph& graph);

}  // namespace siamc
