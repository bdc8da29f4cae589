#include "passes/rewrite.h"

namespace siamc::compiler {

Graph rewrite(const Graph& graph, const Replace& replace) {
    Graph result;
    result.name = graph.name;
    result.branches = graph.branches;
    std::vector<NodeId> moved;
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
        Node node = graph[id];
        for (Edge& edge : node.inputs) edge.node = moved[edge.node];
        moved.push_back(replace(result, id, std::move(node), moved));
    }
    for (NodeId id : graph.outputs) result.outputs.push_back(moved[id]);
    return result;
}

}  // namespace siamc::compiler
