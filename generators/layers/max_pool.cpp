// max_pool: the largest of each window. Where several are, the first of them in the window, row by
// row, counts as the winner: it alone gets the gradient.
#include "layers/winners.h"
#include "layers/structural.h"
#include "layers/windows.h"

namespace siamc {

using Halide::Expr;
using Halide::Func;

namespace {

Shape pooled_shape(const Graph& graph, const Node& node) {
    const Shape image = graph.shape_of(node.inputs[0]);
    return shape_over(pooling_window(node), image.dims[0], image.rows);
}

std::vector<int> seen(const Graph& graph, const Node& node) {
    return dims_seen(pooling_window(node), graph.shape_of(node.inputs[0]).dims[0]);
}

// What a window sees, row by row.
std::vector<Expr> pixels(const AlgorithmContext& context) {
    const Window window = pooling_window(context.node);
    const auto vars = index_vars(context.node.shape);
    std::vector<Expr> all;
    for (int y = 0; y < window.height; ++y)
        for (int x = 0; x < window.width; ++x)
            all.push_back(context.inputs[0](vars[0], vars[1] * window.stride + x,
                                            vars[2] * window.stride + y, vars[3]));
    return all;
}

Func max_pool_algorithm(const AlgorithmContext& context) {
    const std::vector<Expr> all = pixels(context);
    Expr most = all[0];
    for (size_t i = 1; i < all.size(); ++i) most = max(most, all[i]);
    Func out("max_pool");
    out(index_vars(context.node.shape)) = most;
    return out;
}

Func winner_algorithm(const AlgorithmContext& context) {
    const std::vector<Expr> all = pixels(context);
    Expr most = all[0], winner = Halide::cast<uint8_t>(0);
    for (size_t i = 1; i < all.size(); ++i) {
        winner = select(all[i] > most, Halide::cast<uint8_t>(static_cast<int>(i)), winner);
        most = max(most, all[i]);
    }
    Func out("winner");
    out(index_vars(context.node.shape)) = winner;
    return out;
}

void max_pool_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                        Tensor64& out) {
    const Window window = pooling_window(node);
    const std::vector<int>& dims = out.shape.dims;
    size_t at = 0;
    for (int row = 0; row < out.rows; ++row)
        for (int y = 0; y < dims[2]; ++y)
            for (int x = 0; x < dims[1]; ++x)
                for (int c = 0; c < dims[0]; ++c) {
                    const auto pixel = [&](int i, int j) {
                        return in[0]->data[element(in[0]->shape, c, x * window.stride + i,
                                                   y * window.stride + j, row)];
                    };
                    double most = pixel(0, 0);
                    for (int j = 0; j < window.height; ++j)
                        for (int i = 0; i < window.width; ++i) most = std::max(most, pixel(i, j));
                    out.data[at++] = most;
                }
}

// (image) -> which pixel of the window won.
const Op& winner_op() {
    static const Op op = [] {
        Op winner = {"winner", Pattern::pooling, pooled_shape, winner_algorithm};
        winner.type = ElementType::uint8;
        winner.seen = seen;
        return winner;
    }();
    return op;
}

std::vector<Edge> max_pool_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Shape image = graph.shape_of(node.inputs[0]);
    const Edge winner{graph.add(
        {&winner_op(), node.name + ".winner", node.inputs, node.attributes, {}, node.location})};
    Attributes attributes = node.attributes;
    attributes["dims"] = std::vector<long>(image.dims.begin(), image.dims.end());
    return {{graph.add({&unpool_op(),
                        node.name + ".grad",
                        {winner, adjoint},
                        attributes,
                        {},
                        node.location})}};
}

const Op& max_pool_op() {
    static const Op op = [] {
        Op pool = {"max_pool",         Pattern::pooling,  pooled_shape,
                   max_pool_algorithm, max_pool_gradient, max_pool_reference};
        pool.seen = seen;
        pool.takes_maxima = true;
        return pool;
    }();
    return op;
}

}  // namespace

Layer max_pool_layer() {
    Layer layer{"max_pool", LayerKind::layer,
                "the largest of each window; of equal ones the first gets the gradient"};
    layer.attributes = pooling_rules();
    layer.reads_images = true;
    layer.build = [](Graph& graph, const LayerUse& use) {
        const Edge image = image_for(graph, use, "max_pool",
                                     static_cast<int>(integer(use.attributes, "window")));
        return Edge{graph.add({&max_pool_op(),
                               use.name,
                               {image},
                               pooling_attributes(graph, use, image),
                               {},
                               use.location})};
    };
    return layer;
}

}  // namespace siamc
