// max_pool: the largest of each window. Where several are, the first of them in the window, row by
// row, counts as the winner: it alone gets the gradient.
#include <algorithm>

#include "layers/structural.h"
#include "layers/windows.h"
#include "layers/winners.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;

namespace {

Func max_pool_algorithm(const AlgorithmContext& context) {
    const std::vector<Expr> pixels = window_pixels(context);
    Expr most = pixels[0];
    for (size_t i = 1; i < pixels.size(); ++i) most = max(most, pixels[i]);
    Func out("max_pool");
    out(index_vars(context.node.shape)) = most;
    return out;
}

std::vector<Edge> max_pool_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Edge winner = add_for(graph, node, winner_op(), ".winner", node.inputs, node.attributes);
    Attributes attributes = node.attributes;
    attributes["dims"] = as_attribute(graph.shape_of(node.inputs[0]).dims);
    return {add_for(graph, node, unpool_op(), ".grad", {winner, adjoint}, attributes)};
}

void max_pool_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                        Tensor64& out) {
    reduce_windows(node, *in[0], out, [](const std::vector<double>& seen) {
        return *std::max_element(seen.begin(), seen.end());
    });
}

const Op& max_pool_op() {
    static const Op op = [] {
        Op pool = {"max_pool",         Pattern::pooling,  pooled_shape,
                   max_pool_algorithm, max_pool_gradient, max_pool_reference};
        pool.seen = seen_by_pooling;
        pool.takes_maxima = true;
        return pool;
    }();
    return op;
}

}  // namespace

Layer max_pool_layer() {
    return pooling_layer(max_pool_op(),
                         "the largest of each window; of equal ones the first gets the gradient");
}

}  // namespace siamc::compiler
