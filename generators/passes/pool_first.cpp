#include "layers/structural.h"
#include "passes/passes.h"

namespace siamc {

namespace {

int readers(const Graph& graph, NodeId id) {
    auto count = static_cast<int>(std::count(graph.outputs.begin(), graph.outputs.end(), id));
    for (const Node& node : graph.nodes)
        for (Edge edge : node.inputs) count += edge.node == id;
    return count;
}

}  // namespace

Graph pool_first(const Graph& graph) {
    Graph result;
    result.name = graph.name;
    result.branches = graph.branches;
    std::vector<NodeId> moved;  // by old id
    for (const Node& old : graph.nodes) {
        Node node = old;
        for (Edge& edge : node.inputs) edge.node = moved[edge.node];
        const NodeId source = old.inputs.empty() ? -1 : old.inputs[0].node;
        const bool swaps = old.op->takes_maxima && graph[source].op->commutes_with_max &&
                           readers(graph, source) == 1;
        if (!swaps) {
            moved.push_back(result.add(std::move(node)));
            continue;
        }
        Node after = graph[source];
        node.inputs[0].node = moved[after.inputs[0].node];
        after.inputs[0].node = result.add(std::move(node));
        after.name += ".pooled";
        moved.push_back(result.add(std::move(after)));
    }
    for (NodeId id : graph.outputs) result.outputs.push_back(moved[id]);
    return result;
}

}  // namespace siamc
