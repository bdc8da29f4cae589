// Graphs that hold one layer, distance or loss, made from what layers.def and the layer itself say.
#pragma once

#include <string>
#include <vector>

#include "layers/op.h"

namespace siamc::compiler::test {

struct LayerCase {
    std::string what;  // "dense [17] units=9 bias=true, 12 tuples"
    Graph graph;       // outputs: the layer's result
    int tuples = 0;
    Attributes attributes = {};
};

// Every mixture of odd input shapes and attributes that the layer takes: images for layers, pairs
// of embeddings for distances, distances and labels for losses.
std::vector<LayerCase> cases_of(const Layer& layer);

// Of a distance: the batch's images against each other.
std::vector<LayerCase> matrix_cases_of(const Layer& distance);

// One of them. `dims`: of the input; losses have none. `training`: as LayerUse has it.
LayerCase make_case(const Layer& layer, const std::vector<int>& dims, const Attributes& attributes,
                    int tuples, bool training = true);

// The nodes that the layer itself made, views included.
std::vector<NodeId> layer_nodes(const Graph& graph);

// What Op::gradient adds for one node.
struct Gradients {
    NodeId adjoint;           // a source: the gradient with respect to the node's value
    std::vector<Edge> edges;  // one per input; node -1: none
};
Gradients add_gradients(Graph& graph, NodeId node);

// The graph with the gradients of every node of the layer, all of them outputs.
Graph with_gradients(const Graph& graph);

}  // namespace siamc::compiler::test
