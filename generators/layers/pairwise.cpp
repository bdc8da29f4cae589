// The gradient of a matrix m(i, j) = f(x_i, x_j) with f symmetric: an image is the first of the two
// in its own row and the second in its column, so with g the adjoint of m
//   dx_i = sum over j of (g_ij + g_ji) df(x_i, x_j)/dx_i.
// Both are gathered by the image's own row: nothing is added from several sides.
#include "layers/pairwise.h"

#include "frontend/model_spec.h"
#include "layers/active.h"
#include "layers/roles.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

Expr row_in_batch(const AlgorithmContext& context, const Func& ordinal, const Expr& row) {
    const Expr first = context.node.attributes.count(of_one_slice) ? Expr(0) : ordinal(0);
    return clamp(first + row, 0, context.batch_rows - 1);
}

namespace {

Shape matrix_shape(const Graph& graph, const Node& node) {
    const Shape x = graph.shape_of(node.inputs[0]);
    if (x.dims.size() != 1)
        throw ModelError(node.location, "no distance between " + to_string(x) + " and others",
                         "a distance compares two embeddings of one length",
                         "a last layer that gives one line of numbers, as dense or flatten do");
    return {{static_cast<int>(integer(node.attributes, images_attribute))},
            graph.shape_of(node.inputs[1]).rows};
}

// (rows of the batch, ordinal) -> matrix. Columns beyond the batch show its last image again.
Func pairwise_algorithm(const AlgorithmContext& context, bool squared) {
    const auto& in = context.inputs;
    const int size = context.graph.shape_of(context.node.inputs[0]).dims[0];
    Var j("j"), row("row");
    RDom k(0, size, "k");
    Func out("pairwise");
    const Expr own = in[0](k, row_in_batch(context, in[1], row));
    const Expr other = in[0](k, min(j, context.batch_rows - 1));
    out(j, row) = 0.0f;
    out(j, row) += squared ? (own - other) * (own - other) : own * other;
    return out;
}

// (adjoint, adjoint across, ordinal) -> g_ij + g_ji; columns beyond the batch have no meaning.
const Op& both_roles_op() {
    static const Op op = {"pairwise.both_roles", Pattern::rowwise, shape_of_first,
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              Var j("j"), row("row");
                              const Expr there = min(j, context.batch_rows - 1);
                              Func out("both_roles");
                              out(j, row) =
                                  in[0](j, row) + in[1](row_in_batch(context, in[2], row), there);
                              return out;
                          }};
    return op;
}

// What image j adds to the adjoint of the row's embedding, less the factor s_ij.
Expr pull(const AlgorithmContext& context, bool squared, const Expr& c, const Expr& j,
          const Expr& row) {
    const Func& x = context.inputs[1];
    return squared ? x(c, row_in_batch(context, context.inputs[2], row)) - x(c, j) : Expr(x(c, j));
}

// A register tile's rows share one list of the images that one of them looks at.
Func skipping_grad_algorithm(const AlgorithmContext& context, bool squared) {
    const Func& both = context.inputs[0];
    const int tall = context.tile_rows;
    const int images = context.graph.shape_of(context.node.inputs[0]).dims[0];
    Var c("c"), row("row"), i("i"), j("j"), tile("tile");
    Func flags("flags"), product = func_as(Role::active_product), out("pairwise_grad");
    Expr any = both(j, tile * tall) != 0.0f;
    for (int r = 1; r < tall; ++r) any = any || both(j, tile * tall + r) != 0.0f;
    flags(j, tile) = any && j < context.batch_rows;
    const ActiveList active = active_list(flags, images);
    RDom at(0, images, "at");
    at.where(at < active.counts(tile));
    const Expr other =
        Halide::unsafe_promise_clamped(active.places(at, tile), 0, context.batch_rows - 1);
    const Expr here = tile * tall + i;
    product(c, i, tile) = 0.0f;
    product(c, i, tile) += both(other, here) * pull(context, squared, c, other, here);
    out(c, row) = product(c, row % tall, row / tall);
    return out;
}

// (sums of both roles, rows of the batch, ordinal) -> the embeddings' adjoint.
Func pairwise_grad_algorithm(const AlgorithmContext& context, bool squared) {
    if (context.node.attributes.count(skips_columns))
        return skipping_grad_algorithm(context, squared);
    Var c("c"), row("row");
    RDom j(0, context.batch_rows, "j");
    Func out = func_as(Role::pulled_sum);
    out(c, row) = 0.0f;
    out(c, row) += context.inputs[0](j, row) * pull(context, squared, c, j, row);
    return out;
}

Shape pairwise_grad_shape(const Graph& graph, const Node& node) {
    return {graph.shape_of(node.inputs[1]).dims, graph.shape_of(node.inputs[0]).rows};
}

const Op& twice_op() {
    static const Op op = {"pairwise.twice", Pattern::elementwise, shape_of_first,
                          [](const AlgorithmContext& context) {
                              const auto vars = index_vars(context.node.shape);
                              Func out("twice");
                              out(vars) = 2.0f * context.inputs[0](vars);
                              return out;
                          }};
    return op;
}

std::vector<Edge> pairwise_gradient(Graph& graph, NodeId self, Edge adjoint, const Op& grad) {
    const Node node = graph[self];
    const Edge ordinal = node.inputs[1];
    const Edge both = add_for(graph, node, both_roles_op(), ".both_roles",
                              {adjoint, across(graph, adjoint), ordinal});
    const bool skips = integer(node.attributes, images_attribute) <= most_listed;
    const Edge x = add_for(graph, node, grad, ".grad", {both, node.inputs[0], ordinal},
                           skips ? Attributes{{skips_columns, true}} : Attributes{});
    return {across(graph, x), Edge{}};
}

const Op& squared_grad_op() {
    static const Op op = {
        "squared_distances.grad", Pattern::matmul, pairwise_grad_shape,
        [](const AlgorithmContext& context) { return pairwise_grad_algorithm(context, true); }};
    return op;
}

const Op& dot_grad_op() {
    static const Op op = {
        "dot_products.grad", Pattern::matmul, pairwise_grad_shape,
        [](const AlgorithmContext& context) { return pairwise_grad_algorithm(context, false); }};
    return op;
}

void pairwise_reference(const Tensor64& x, Tensor64& out, bool squared) {
    const auto size = static_cast<std::size_t>(x.shape.dims[0]);
    const auto columns = static_cast<std::size_t>(out.shape.dims[0]);
    for (std::size_t i = 0; i < static_cast<std::size_t>(out.rows); ++i)
        for (std::size_t j = 0; j < columns; ++j) {
            double sum = 0;
            for (std::size_t c = 0; c < size; ++c) {
                const double a = x.data[i * size + c], b = x.data[j * size + c];
                sum += squared ? (a - b) * (a - b) : a * b;
            }
            out.data[i * columns + j] = sum;
        }
}

const Op& squared_distances_op() {
    static const Op op = {
        "squared_distances",
        Pattern::pairwise,
        matrix_shape,
        [](const AlgorithmContext& context) { return pairwise_algorithm(context, true); },
        [](Graph& graph, NodeId self, Edge adjoint) {
            const Edge twice = add_for(graph, Node(graph[self]), twice_op(), ".twice", {adjoint});
            return pairwise_gradient(graph, self, twice, squared_grad_op());
        },
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            pairwise_reference(*in[0], out, true);
        }};
    return op;
}

const Op& dot_products_op() {
    static const Op op = {
        "dot_products",
        Pattern::pairwise,
        matrix_shape,
        [](const AlgorithmContext& context) { return pairwise_algorithm(context, false); },
        [](Graph& graph, NodeId self, Edge adjoint) {
            return pairwise_gradient(graph, self, adjoint, dot_grad_op());
        },
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            pairwise_reference(*in[0], out, false);
        }};
    return op;
}

Edge add_matrix(Graph& graph, const LayerUse& use, const Op& op, Edge embeddings) {
    return {graph.add({&op,
                       use.name + ".matrix",
                       {across(graph, embeddings), use.inputs[1]},
                       {{images_attribute, use.attributes.at(images_attribute)}},
                       {},
                       use.location})};
}

}  // namespace

Edge squared_distances(Graph& graph, const LayerUse& use, Edge embeddings) {
    return add_matrix(graph, use, squared_distances_op(), embeddings);
}

Edge dot_products(Graph& graph, const LayerUse& use, Edge embeddings) {
    return add_matrix(graph, use, dot_products_op(), embeddings);
}

Edge map_matrix(Graph& graph, const LayerUse& use, const Op& op, Edge matrix) {
    return {graph.add({&op, use.name, {matrix}, {}, {}, use.location})};
}

}  // namespace siamc::compiler
