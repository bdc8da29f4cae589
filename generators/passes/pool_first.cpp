#include <algorithm>

#include "layers/op.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace siamc::compiler {

Graph pool_first(const Graph& graph) {
    const auto readers = readers_of(graph);
    const auto only_read_here = [&](NodeId id) {
        return readers[id].size() == 1 &&
               !std::count(graph.outputs.begin(), graph.outputs.end(), id);
    };
    const auto replace = [&](Graph& result, NodeId id, Node pool,
                             const std::vector<NodeId>& moved) {
        if (!pool.op->takes_maxima) return result.add(std::move(pool));
        const NodeId source = graph[id].inputs[0].node;
        if (!graph[source].op->commutes_with_max || !only_read_here(source))
            return result.add(std::move(pool));
        Node after = graph[source];
        pool.inputs[0].node = moved[after.inputs[0].node];
        after.inputs[0].node = result.add(std::move(pool));
        after.name += ".pooled";
        return result.add(std::move(after));
    };
    return rewrite(graph, replace);
}

}  // namespace siamc::compiler
