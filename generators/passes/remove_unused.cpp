#include "passes/passes.h"

namespace siamc::compiler {

Graph remove_unused(const Graph& graph) {
    std::vector<bool> used(graph.nodes.size());
    for (NodeId id : graph.outputs) used[id] = true;
    for (auto id = static_cast<NodeId>(graph.nodes.size()) - 1; id >= 0; --id)
        if (used[id])
            for (Edge edge : graph[id].inputs) used[edge.node] = true;
    Graph kept;
    kept.name = graph.name;
    kept.branches = graph.branches;
    std::vector<NodeId> moved(graph.nodes.size(), -1);
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
        if (!used[id]) continue;
        Node node = graph[id];
        for (Edge& edge : node.inputs) edge.node = moved[edge.node];
        moved[id] = static_cast<NodeId>(kept.nodes.size());
        kept.nodes.push_back(std::move(node));
    }
    for (NodeId id : graph.outputs) kept.outputs.push_back(moved[id]);
    return kept;
}

}  // namespace siamc::compiler
