// From a model description to graphs, one per entry point of the generated library.
#pragma once

#include <string>
#include <vector>

#include "frontend/model_spec.h"
#include "graph/graph.h"

namespace siamc {

// images -> embeddings. Output: the embedding.
Graph build_embedding(const ModelSpec& model);

// Images of tuples -> loss. Every branch is still a network of its own; the branches share the
// parameter nodes. Outputs: the loss of each tuple, then its distances.
Graph build_loss(const ModelSpec& model, const LayerSpec& loss);

// The same from stored embeddings, looked up by index: what evaluation needs.
Graph build_evaluation(const ModelSpec& model, const LayerSpec& loss);

// The parameters in the order of the layers: their node names and dims, innermost first.
std::vector<Node> parameters(const Graph& graph);

}  // namespace siamc
