// How much a graph has to compute.
#pragma once

#include <string>

#include "graph/graph.h"

namespace siamc::compiler {

// Multiply-adds of a node for each image of the batch, as it is done: of layers with kernels and of
// their gradients; 0 of other nodes.
[[nodiscard]] long multiply_adds(const Graph& graph, const Node& node);
[[nodiscard]] long multiply_adds(const Graph& graph);

// What training needs by the forward graph: as many again for the gradients of the kernels, and as
// many again for those of the inputs of all layers but those that read nothing trained.
[[nodiscard]] long training_multiply_adds(const Graph& graph);

// What the passes save: work by the graph as the model file says it, once trimmed (with what was
// trimmed), and as it is done in the end.
[[nodiscard]] std::string describe_work(const Graph& written, const Graph& trimmed,
                                        const Graph& done, bool train);

}  // namespace siamc::compiler
