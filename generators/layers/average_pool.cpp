// average_pool: the mean of each window.
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

Func average_algorithm(const AlgorithmContext& context) {
    const Window window = pooling_window(context.node);
    const auto vars = index_vars(context.node.shape);
    Expr sum = 0.0f;
    for (int y = 0; y < window.height; ++y)
        for (int x = 0; x < window.width; ++x)
            sum = sum + context.inputs[0](vars[0], vars[1] * window.stride + x,
                                          vars[2] * window.stride + y, vars[3]);
    Func out("average_pool");
    out(vars) = sum * (1.0f / static_cast<float>(window.area()));
    return out;
}

void average_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                       Tensor64& out) {
    const Window window = pooling_window(node);
    const std::vector<int>& dims = out.shape.dims;
    size_t at = 0;
    for (int row = 0; row < out.rows; ++row)
        for (int y = 0; y < dims[2]; ++y)
            for (int x = 0; x < dims[1]; ++x)
                for (int c = 0; c < dims[0]; ++c) {
                    double sum = 0;
                    for (int j = 0; j < window.height; ++j)
                        for (int i = 0; i < window.width; ++i)
                            sum += in[0]->data[element(in[0]->shape, c, x * window.stride + i,
                                                       y * window.stride + j, row)];
                    out.data[at++] = sum / window.area();
                }
}

// (adjoint) -> of the image; attribute "dims": the image's.
const Op& grad_op() {
    static const Op op = {
        "average_pool.grad", Pattern::pixelwise,
        [](const Graph& graph, const Node& node) {
            const auto& dims = std::get<std::vector<long>>(node.attributes.at("dims"));
            return Shape{{dims.begin(), dims.end()}, graph.shape_of(node.inputs[0]).rows};
        },
        [](const AlgorithmContext& context) {
            const float share = 1.0f / static_cast<float>(pooling_window(context.node).area());
            return gather_windows(context, "average_pool_grad",
                                  [&](const std::vector<Expr>& at, const Expr&) {
                                      return context.inputs[0](at) * share;
                                  });
        }};
    return op;
}

std::vector<Edge> average_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Shape image = graph.shape_of(node.inputs[0]);
    Attributes attributes = node.attributes;
    attributes["dims"] = std::vector<long>(image.dims.begin(), image.dims.end());
    return {{graph.add(
        {&grad_op(), node.name + ".grad", {adjoint}, attributes, {}, node.location})}};
}

const Op& average_op() {
    static const Op op = [] {
        Op pool = {"average_pool",    Pattern::pooling, pooled_shape,
                   average_algorithm, average_gradient, average_reference};
        pool.seen = [](const Graph& graph, const Node& node) {
            return dims_seen(pooling_window(node), graph.shape_of(node.inputs[0]).dims[0]);
        };
        return pool;
    }();
    return op;
}

}  // namespace

Layer average_pool_layer() {
    Layer layer{"average_pool", LayerKind::layer, "the mean of each window"};
    layer.attributes = pooling_rules();
    layer.reads_images = true;
    layer.build = [](Graph& graph, const LayerUse& use) {
        const Edge image = image_for(graph, use, "average_pool",
                                     static_cast<int>(integer(use.attributes, "window")));
        return Edge{graph.add({&average_op(),
                               use.name,
                               {image},
                               pooling_attributes(graph, use, image),
                               {},
                               use.location})};
    };
    return layer;
}

}  // namespace siamc
