#include "layers/dense.h"
#include "layers/structural.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace siamc::compiler {

namespace {

// A kernel of so many weights (16 MB) leaves the caches: to transpose it takes as long as to read
// it three times, and as much memory as it has.
constexpr long least_weights = 1L << 22;

// Sums along a line end in the sum of a vector's lanes, which has to be worth it.
constexpr int least_summed = 256;

bool reads_transposed(const Graph& graph, const Node& node) {
    if (node.op != &dense_op() || graph[node.inputs[1].node].op != &transpose_op()) return false;
    const Shape& transposed = graph.shape_of(node.inputs[1]);
    return transposed.size() >= least_weights && transposed.dims[1] >= least_summed;
}

}  // namespace

Graph read_as_stored(const Graph& graph) {
    return rewrite(graph, [&](Graph& result, NodeId id, Node node, const auto& moved) {
        if (reads_transposed(graph, graph[id])) {
            const Node& transpose = graph[graph[id].inputs[1].node];
            node.op = &dense_grad_input_op();
            node.inputs[1] = {moved[transpose.inputs[0].node]};
        }
        return result.add(std::move(node));
    });
}

}  // namespace siamc::compiler
