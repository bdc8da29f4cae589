// dense: out(n, row) = bias(n) + sum over k of in(k, row) * kernel(n, k). The kernel is stored
// [inputs][units], as Keras stores it.
#include "layers/dense.h"

#include "frontend/model_spec.h"
#include "layers/active.h"
#include "layers/roles.h"
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// Inputs: x, kernel and, with a bias, the bias.
Shape dense_shape(const Graph& graph, const Node& node) {
    const Shape x = graph.shape_of(node.inputs[0]), kernel = graph.shape_of(node.inputs[1]);
    if (x.dims.size() != 1 || kernel.dims.size() != 2 || kernel.dims[1] != x.dims[0])
        throw ModelError(
            node.location,
            "dense cannot read " + to_string(x) + " with a kernel of " + to_string(kernel),
            "the kernel needs one line per input", "a flatten layer in front");
    return {{kernel.dims[0]}, x.rows};
}

bool skips(const Node& node) {
    return node.attributes.count(skips_zeros) > 0;
}

// A register tile's rows share one list of the groups in which one of them is not zero.
Func skipping_algorithm(const AlgorithmContext& context, const Func& start) {
    const auto& in = context.inputs;
    const int groups = context.graph.shape_of(context.node.inputs.back()).dims[0];
    const int tall = context.tile_rows;
    Var n("n"), row("row"), i("i"), j("j"), tile("tile"), listed("listed");
    Func flags("flags"), factor = func_as(Role::active_factor),
                         product = func_as(Role::active_product), out("dense");
    flags(j, tile) = in.back()(j, tile * tall);
    const ActiveList active = active_list(flags, groups);
    RDom at(0, zero_group, 0, groups, "at");
    at.where(at.y < active.counts(tile));
    const auto first = [&](const Expr& place) {
        return Halide::unsafe_promise_clamped(active.places(place, tile), 0, groups - 1) *
               zero_group;
    };
    factor(j, i, listed, tile) = in[0](first(listed) + j, tile * tall + i);
    product(n, i, tile) = start(n);
    product(n, i, tile) += factor(at.x, i, at.y, tile) * in[1](n, first(at.y) + at.x);
    out(n, row) = product(n, row % tall, row / tall);
    return out;
}

Func dense_algorithm(const AlgorithmContext& context) {
    const auto& in = context.inputs;
    const int depth = context.graph.shape_of(context.node.inputs[0]).dims[0];
    Var n("n"), row("row");
    RDom k(0, depth, "k");
    Func start("start"), out("dense");
    start(n) = own_inputs(context.node) == 3 ? Expr(in[2](n)) : Expr(0.0f);
    if (skips(context.node)) return skipping_algorithm(context, start);
    out(n, row) = start(n);
    out(n, row) += in[0](k, row) * in[1](n, k);
    return out;
}

void dense_reference(const Graph&, const Node&, const std::vector<const Tensor64*>& in,
                     Tensor64& out) {
    const int depth = in[0]->shape.dims[0], units = out.shape.dims[0];
    for (int row = 0; row < out.rows; ++row)
        for (int n = 0; n < units; ++n) {
            double sum = in.size() == 3 ? in[2]->data[n] : 0;
            for (int k = 0; k < depth; ++k)
                sum += in[0]->data[row * depth + k] * in[1]->data[k * units + n];
            out.data[row * units + n] = sum;
        }
}

// The kernel's lines of a group share one list of the rows in which the group is not zero.
Func skipping_grad_kernel(const AlgorithmContext& context) {
    const auto& in = context.inputs;
    Var n("n"), k("k"), i("i"), j("j"), group("group");
    Var listed("listed");
    Func masks("masks"), factor = func_as(Role::active_factor), sum = func_as(Role::active_sum),
                         out("grad_kernel");
    masks(j, group) = in[2](group, j * context.tile_rows);
    const Expr tiles = context.image_rows / context.tile_rows, rows = tiles * context.tile_rows;
    const ActiveList active = active_rows(masks, tiles, context.tile_rows);
    RDom at(0, rows, "at");
    at.where(at < active.counts(group));
    const auto row_at = [&](const Expr& place) {
        return Halide::unsafe_promise_clamped(active.places(place, group), 0, rows - 1);
    };
    factor(i, listed, group) = in[0](group * zero_group + i, row_at(listed));
    sum(n, i, group) = 0.0f;
    sum(n, i, group) += factor(i, at, group) * in[1](n, row_at(at));
    out(n, k) = sum(n, k % zero_group, k / zero_group);
    return out;
}

Func dense_grad_kernel_algorithm(const AlgorithmContext& context) {
    if (skips(context.node)) return skipping_grad_kernel(context);
    Var n("n"), k("k");
    RDom row(0, context.image_rows, "row");
    Func out("grad_kernel");
    out(n, k) = 0.0f;
    out(n, k) += context.inputs[0](k, row) * context.inputs[1](n, row);
    return out;
}

// Sums over the batch: (x, adjoint) -> gradient of the kernel.
const Op& dense_grad_kernel_op() {
    static const Op op = [] {
        Op sum = {"dense.grad_kernel", Pattern::batch_sum,
                  [](const Graph& graph, const Node& node) {
                      return Shape{{graph.shape_of(node.inputs[1]).dims[0],
                                    graph.shape_of(node.inputs[0]).dims[0]},
                                   Rows::none};
                  },
                  dense_grad_kernel_algorithm};
        sum.blocked_input = 0;
        sum.can_skip_zeros = true;
        return sum;
    }();
    return op;
}

// (adjoint) -> gradient of the bias.
const Op& dense_grad_bias_op() {
    static const Op op = {"dense.grad_bias", Pattern::batch_sum,
                          [](const Graph& graph, const Node& node) {
                              return Shape{graph.shape_of(node.inputs[0]).dims, Rows::none};
                          },
                          [](const AlgorithmContext& context) {
                              Var n("n");
                              RDom row(0, context.image_rows, "row");
                              Func out("grad_bias");
                              out(n) = 0.0f;
                              out(n) += context.inputs[0](n, row);
                              return out;
                          }};
    return op;
}

std::vector<Edge> dense_gradient(Graph& graph, NodeId self, Edge adjoint);

}  // namespace

const Op& dense_op() {
    static const Op op = [] {
        Op dense = {"dense",         Pattern::matmul, dense_shape,
                    dense_algorithm, dense_gradient,  dense_reference};
        dense.can_skip_zeros = true;
        return dense;
    }();
    return op;
}

const Op& dense_grad_input_op() {
    static const Op op = {"dense.grad_input", Pattern::pairwise,
                          [](const Graph& graph, const Node& node) {
                              return Shape{{graph.shape_of(node.inputs[1]).dims[1]},
                                           graph.shape_of(node.inputs[0]).rows};
                          },
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              const Shape& kernel = context.graph.shape_of(context.node.inputs[1]);
                              Var k("k"), row("row");
                              RDom n(0, kernel.dims[0], "n");
                              Func out("grad_input");
                              out(k, row) = 0.0f;
                              out(k, row) += in[0](n, row) * in[1](n, k);
                              return out;
                          }};
    return op;
}

namespace {

std::vector<Edge> dense_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Edge x = node.inputs[0], kernel = node.inputs[1];
    const Edge transposed = add_for(graph, node, transpose_op(), ".kernel_transposed", {kernel});
    std::vector<Edge> gradients = {
        add_for(graph, node, dense_op(), ".grad_input", {adjoint, transposed}),
        add_for(graph, node, dense_grad_kernel_op(), ".grad_kernel", {x, adjoint}),
    };
    if (node.inputs.size() == 3)
        gradients.push_back(add_for(graph, node, dense_grad_bias_op(), ".grad_bias", {adjoint}));
    return gradients;
}

Edge build_dense(Graph& graph, const LayerUse& use) {
    const long depth = graph.shape_of(use.inputs[0]).size();
    const long units = integer(use.attributes, "units");
    std::vector<Edge> inputs = {
        use.inputs[0], parameter(graph, use.name + ".kernel", {units, depth}, use.location)};
    if (std::get<bool>(use.attributes.at("bias")))
        inputs.push_back(parameter(graph, use.name + ".bias", {units}, use.location));
    return {graph.add({&dense_op(), use.name, inputs, {}, {}, use.location})};
}

}  // namespace

Layer dense_layer() {
    Layer layer{"dense", LayerKind::layer,
                "fully connected: every unit sums all inputs times its weights, plus its bias"};
    layer.flat_input = true;
    AttributeRule units{"units", AttributeType::integer, std::nullopt, 1, "outputs"};
    units.maximum = 1048576;
    layer.attributes = {
        units,
        {"bias", AttributeType::boolean, true, 0, "add a trained constant to each unit"},
        {"activation", AttributeType::text, std::string("none"), 0, "a layer to apply to the sums"},
    };
    layer.build = build_dense;
    return layer;
}

}  // namespace siamc::compiler
