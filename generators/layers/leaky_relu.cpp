// leaky_relu: x above 0, slope * x elsewhere (Maas, Hannun and Ng 2013). Its gradient at 0 is the
// slope.
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Func;

namespace {

// value where `sign` is above 0, slope * value elsewhere.
Func leak(const AlgorithmContext& context, const Func& sign, const Func& value) {
    const auto vars = index_vars(context.node.shape);
    const auto slope = static_cast<float>(real(context.node.attributes, "slope"));
    Func out("leaky_relu");
    out(vars) = select(sign(vars) > 0.0f, value(vars), slope * value(vars));
    return out;
}

// (leaky_relu's result, adjoint): with a slope of at least 0 the result is positive exactly where
// the input is, so the input need not be kept.
const Op& leaky_relu_grad_op() {
    static const Op op = {"leaky_relu.grad", Pattern::elementwise, shape_of_first,
                          [](const AlgorithmContext& context) {
                              return leak(context, context.inputs[0], context.inputs[1]);
                          }};
    return op;
}

std::vector<Edge> leaky_relu_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    return {{graph.add({&leaky_relu_grad_op(),
                        node.name + ".grad",
                        {{self}, adjoint},
                        node.attributes,
                        {},
                        node.location})}};
}

void leaky_relu_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                          Tensor64& out) {
    const double slope = static_cast<float>(real(node.attributes, "slope"));
    for (size_t i = 0; i < out.data.size(); ++i) {
        const double x = in[0]->data[i];
        out.data[i] = x > 0 ? x : slope * x;
    }
}

const Op& leaky_relu_op() {
    static const Op op = {"leaky_relu",
                          Pattern::elementwise,
                          shape_of_first,
                          [](const AlgorithmContext& context) {
                              return leak(context, context.inputs[0], context.inputs[0]);
                          },
                          leaky_relu_gradient,
                          leaky_relu_reference};
    return op;
}

}  // namespace

Layer leaky_relu_layer() {
    Layer layer{"leaky_relu", LayerKind::layer,
                "x above 0, slope * x elsewhere; the gradient at 0 is the slope"};
    layer.attributes = {{"slope", AttributeType::real, 0.01, 0, "of what is below 0"}};
    layer.build = [](Graph& graph, const LayerUse& use) {
        return Edge{graph.add({&leaky_relu_op(),
                               use.name,
                               use.inputs,
                               {{"slope", use.attributes.at("slope")}},
                               {},
                               use.location})};
    };
    return layer;
}

}  // namespace siamc::compiler
