#include "layers/affine.h"

#include "layers/convolution.h"
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

Func affine_algorithm(const AlgorithmContext& context) {
    const auto& in = context.inputs;
    const auto vars = index_vars(context.node.shape);
    Func out("affine");
    const Expr product = in[0](vars) * in[1](vars[0]);
    out(vars) = in.size() > 2 ? product + in[2](vars[0]) : product;
    return out;
}

void affine_reference(const Graph&, const Node&, const std::vector<const Tensor64*>& in,
                      Tensor64& out) {
    const auto channels = static_cast<size_t>(out.shape.dims[0]);
    for (size_t i = 0; i < out.data.size(); ++i)
        out.data[i] = in[1]->data[i % channels] * in[0]->data[i] +
                      (in.size() > 2 ? in[2]->data[i % channels] : 0);
}

// (adjoint, gamma) -> of the value.
const Op& affine_grad_value_op() {
    static const Op op = {"affine.grad_value", Pattern::elementwise, shape_of_first,
                          [](const AlgorithmContext& context) {
                              const auto vars = index_vars(context.node.shape);
                              Func out("affine_grad_value");
                              out(vars) = context.inputs[0](vars) * context.inputs[1](vars[0]);
                              return out;
                          }};
    return op;
}

// (adjoint) -> of beta; (adjoint, value) -> of gamma: sums over all rows.
const Op& affine_grad_op() {
    static const Op op = {"affine.grad", Pattern::batch_sum,
                          [](const Graph& graph, const Node& node) {
                              return Shape{graph.shape_of(node.inputs[0]).dims, Rows::none};
                          },
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              const Var n("n");
                              const RDom row(0, context.image_rows, "row");
                              Func out("affine_grad");
                              out(n) = 0.0f;
                              out(n) += in.size() == 2 ? in[0](n, row) * in[1](n, row)
                                                       : Expr(in[0](n, row));
                              return out;
                          }};
    return op;
}

// (adjoint, image) -> of gamma: sums over the pixels of a slice.
const Op& affine_grad_gamma_op() {
    static const Op op = {
        "affine.grad_gamma", Pattern::slice_sum,
        [](const Graph& graph, const Node& node) {
            return Shape{{graph.shape_of(node.inputs[0]).dims[0]}, Rows::slice};
        },
        [](const AlgorithmContext& context) {
            const auto& in = context.inputs;
            const std::vector<int>& dims = context.graph.shape_of(context.node.inputs[0]).dims;
            const Var n("n"), slice("slice");
            const RDom at(0, dims[1], 0, dims[2], 0, context.image_rows, "at");
            Func out("affine_grad_gamma");
            out(n, slice) = 0.0f;
            out(n, slice) += in[0](n, at.x, at.y, at.z) * in[1](n, at.x, at.y, at.z);
            return out;
        }};
    return op;
}

// Of a parameter: a sum over the rows, or of images over their pixels, slice by slice.
Edge affine_sum(Graph& graph, const Node& node, const std::string& name,
                const std::vector<Edge>& inputs) {
    if (node.shape.dims.size() == 1) return add_for(graph, node, affine_grad_op(), name, inputs);
    const Op& op = inputs.size() > 1 ? affine_grad_gamma_op() : grad_bias_op();
    const Edge of_slice = add_for(graph, node, op, name, inputs);
    return add_for(graph, node, sum_slices_op(), name + "_sum", {of_slice});
}

std::vector<Edge> affine_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    std::vector<Edge> gradients = {
        add_for(graph, node, affine_grad_value_op(), ".grad_value", {adjoint, node.inputs[1]}),
        affine_sum(graph, node, ".grad_gamma", {adjoint, node.inputs[0]})};
    if (node.inputs.size() > 2)
        gradients.push_back(affine_sum(graph, node, ".grad_beta", {adjoint}));
    return gradients;
}

}  // namespace

const Op& affine_op() {
    static const Op op = {"affine",         Pattern::elementwise, shape_of_first,
                          affine_algorithm, affine_gradient,      affine_reference};
    return op;
}

AffineParameters affine_parameters(Graph& graph, const LayerUse& use, long channels) {
    return {parameter(graph, use.name + ".gamma", {channels}, use.location, 1.0),
            parameter(graph, use.name + ".beta", {channels}, use.location)};
}

Edge affine(Graph& graph, const LayerUse& use, Edge value) {
    const auto [gamma, beta] = affine_parameters(graph, use, graph.shape_of(value).dims[0]);
    return {graph.add(
        {&affine_op(), use.name + ".affine", {value, gamma, beta}, {}, {}, use.location})};
}

Edge scaled(Graph& graph, const LayerUse& use, const std::vector<Edge>& inputs) {
    return {graph.add({&affine_op(), use.name + ".scaled", inputs, {}, {}, use.location})};
}

}  // namespace siamc::compiler
