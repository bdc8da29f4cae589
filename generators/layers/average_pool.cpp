// average_pool: the mean of each window.
#include <numeric>

#include "layers/structural.h"
#include "layers/windows.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;

namespace {

Func average_pool_algorithm(const AlgorithmContext& context) {
    Expr sum = 0.0f;
    for (const Expr& pixel : window_pixels(context)) sum = sum + pixel;
    Func out("average_pool");
    out(index_vars(context.node.shape)) =
        sum * (1.0f / static_cast<float>(pooling_window(context.node).area()));
    return out;
}

void average_pool_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                            Tensor64& out) {
    reduce_windows(node, *in[0], out, [](const std::vector<double>& seen) {
        return std::accumulate(seen.begin(), seen.end(), 0.0) / static_cast<double>(seen.size());
    });
}

// (adjoint) -> of the image; attribute "dims": the image's.
const Op& average_pool_grad_op() {
    static const Op op = {"average_pool.grad", Pattern::pixelwise, shape_of_dims,
                          [](const AlgorithmContext& context) {
                              const float share =
                                  1.0f / static_cast<float>(pooling_window(context.node).area());
                              return gather_windows(context, "average_pool_grad",
                                                    [&](const std::vector<Expr>& at, const Expr&) {
                                                        return context.inputs[0](at) * share;
                                                    });
                          }};
    return op;
}

std::vector<Edge> average_pool_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    Attributes attributes = node.attributes;
    attributes["dims"] = as_attribute(graph.shape_of(node.inputs[0]).dims);
    return {add_for(graph, node, average_pool_grad_op(), ".grad", {adjoint}, attributes)};
}

const Op& average_pool_op() {
    static const Op op = [] {
        Op pool = {"average_pool",         Pattern::pooling,      pooled_shape,
                   average_pool_algorithm, average_pool_gradient, average_pool_reference};
        pool.seen = seen_by_pooling;
        return pool;
    }();
    return op;
}

}  // namespace

Layer average_pool_layer() {
    return pooling_layer(average_pool_op(), "the mean of each window");
}

}  // namespace siamc::compiler
