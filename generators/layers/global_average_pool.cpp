// global_average_pool: the mean of each channel over the whole image.
#include "layers/structural.h"
#include "layers/windows.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;

namespace {

float share_of(const Shape& image) {
    return 1.0f / static_cast<float>(image.dims[1] * image.dims[2]);
}

Func global_average_pool_algorithm(const AlgorithmContext& context) {
    const Shape image = context.graph.shape_of(context.node.inputs[0]);
    const auto vars = index_vars(context.node.shape);
    const RDom at(0, image.dims[1], 0, image.dims[2], "at");
    Func sum("pixel_sum"), out("global_average_pool");
    sum(vars) = 0.0f;
    sum(vars) += context.inputs[0](vars[0], at.x, at.y, vars[1]);
    out(vars) = sum(vars) * share_of(image);
    return out;
}

void global_average_pool_reference(const Graph&, const Node&,
                                   const std::vector<const Tensor64*>& in, Tensor64& out) {
    const Shape& image = in[0]->shape;
    const int channels = image.dims[0], width = image.dims[1], height = image.dims[2];
    for (int row = 0; row < out.rows; ++row)
        for (int c = 0; c < channels; ++c) {
            double sum = 0;
            for (int y = 0; y < height; ++y)
                for (int x = 0; x < width; ++x) sum += in[0]->data[element(image, c, x, y, row)];
            out.data[row * channels + c] = sum / (width * height);
        }
}

// (adjoint) -> of the image; attribute "dims": the image's.
const Op& global_average_pool_grad_op() {
    static const Op op = {"global_average_pool.grad", Pattern::pixelwise, shape_of_dims,
                          [](const AlgorithmContext& context) {
                              const auto vars = index_vars(context.node.shape);
                              Func out("global_average_pool_grad");
                              out(vars) = context.inputs[0](vars[0], vars[3]) *
                                          share_of(context.node.shape);
                              return out;
                          }};
    return op;
}

std::vector<Edge> global_average_pool_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    Attributes attributes = node.attributes;
    attributes["dims"] = as_attribute(graph.shape_of(node.inputs[0]).dims);
    return {add_for(graph, node, global_average_pool_grad_op(), ".grad", {adjoint}, attributes)};
}

const Op& global_average_pool_op() {
    static const Op op = {"global_average_pool",
                          Pattern::pooling,
                          [](const Graph& graph, const Node& node) {
                              const Shape image = graph.shape_of(node.inputs[0]);
                              return Shape{{image.dims[0]}, image.rows};
                          },
                          global_average_pool_algorithm,
                          global_average_pool_gradient,
                          global_average_pool_reference};
    return op;
}

}  // namespace

Layer global_average_pool_layer() {
    Layer layer{"global_average_pool", LayerKind::layer,
                "the mean of each channel over the whole image"};
    layer.reads_images = true;
    layer.build = [](Graph& graph, const LayerUse& use) {
        const Edge image = image_for(graph, use, "global_average_pool");
        return Edge{
            graph.add({&global_average_pool_op(), use.name, {image}, {}, {}, use.location})};
    };
    return layer;
}

}  // namespace siamc::compiler
