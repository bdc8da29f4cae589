#include "passes/work.h"

#include <algorithm>

#include "layers/structural.h"

namespace siamc {

// Winograd's kernel serves four pixels at once.
long multiply_adds(const Graph& graph, const Node& node) {
    if (node.op->pattern != Pattern::matmul && node.op->pattern != Pattern::convolution) return 0;
    const long kernel = graph.shape_of(node.inputs[1]).size();
    const long places = node.shape.size() / node.shape.dims[0];
    return node.op->name == "winograd" ? kernel * places / 4 : kernel * places;
}

long multiply_adds(const Graph& graph) {
    long sum = 0;
    for (const Node& node : graph.nodes) sum += multiply_adds(graph, node);
    return sum;
}

long training_multiply_adds(const Graph& graph) {
    std::vector<bool> trained;  // depends on a parameter
    long sum = 0;
    for (const Node& node : graph.nodes) {
        const auto depends = [&](Edge edge) { return trained[edge.node]; };
        const bool reads_trained = !node.inputs.empty() && depends(node.inputs[0]);
        trained.push_back(node.op == &parameter_op() ||
                          std::any_of(node.inputs.begin(), node.inputs.end(), depends));
        sum += multiply_adds(graph, node) * (reads_trained ? 3 : 2);
    }
    return sum;
}

}  // namespace siamc
