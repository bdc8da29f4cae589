// From a model description to graphs, one per entry point of the generated library.
#pragma once

#include <string>
#include <vector>

#include "frontend/model_spec.h"
#include "graph/graph.h"

namespace siamc::compiler {

// images -> embeddings. Output: the embedding.
Graph build_embedding(const ModelSpec& model);

// Images of tuples -> loss. Every branch is still a network of its own; the branches share the
// parameter nodes. Outputs: the loss of each tuple, then its distances. A loss that sees the whole
// batch, of at most `batch` images: the loss of each image.
Graph build_loss(const ModelSpec& model, const LayerSpec& loss, int batch);

// The same from stored embeddings, looked up by index: what evaluation needs.
Graph build_evaluation(const ModelSpec& model, const LayerSpec& loss, int batch);

// Pairs of stored embeddings -> their distance, whatever losses the model has.
Graph build_distances(const ModelSpec& model);

// The parameters in the order of the layers: their node names and dims, innermost first.
std::vector<Node> parameters(const Graph& graph);

}  // namespace siamc::compiler
