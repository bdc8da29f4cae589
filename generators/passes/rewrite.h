// What passes that replace some nodes have in common.
#pragma once

#include <functional>

#include "graph/graph.h"

namespace siamc::compiler {

// Appends to `result` what stands for node `old`: `node` is that node, with the inputs that it has
// in `result`. `moved` says for each earlier node what stands for it.
using Replace =
    std::function<NodeId(Graph& result, NodeId old, Node node, const std::vector<NodeId>& moved)>;

// The graph node by node, each as `replace` has it.
[[nodiscard]] Graph rewrite(const Graph& graph, const Replace& replace);

}  // namespace siamc::compiler
