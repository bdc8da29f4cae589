// cosine: D = 1 - a . b / (|a| |b|). Lengths below `tiny` count as `tiny`, so an all-zero
// embedding is at distance 1 from everything, with gradient 0.
#include <algorithm>
#include <cmath>

#include "layers/distance.h"
#include "layers/pairwise.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

constexpr float tiny = 1e-12f;  // squared length

Expr inverse_length(const Func& square, const Var& row) {
    return 1.0f / sqrt(max(square(row), tiny));
}

// (a, b, adjoint) -> gradient with respect to a:
// adjoint / |a| * ((a . b) / (|a| |b|) * a / |a| - b / |b|), in this order: products of three or
// four inverse lengths would leave the range of a float long before the lengths do.
Func cosine_grad_algorithm(const AlgorithmContext& context) {
    const Func &a = context.inputs[0], &b = context.inputs[1], &adjoint = context.inputs[2];
    const int size = context.node.shape.dims[0];
    Var c("c"), row("row");
    Func aa = dot(a, a, size, "aa"), bb = dot(b, b, size, "bb"), ab = dot(a, b, size, "ab");
    Func to_a("to_a"), to_b("to_b"), scale("scale"), out("cosine_grad");
    const Expr ra = inverse_length(aa, row), rb = inverse_length(bb, row);
    const Expr live = select(aa(row) > tiny && bb(row) > tiny, adjoint(row), 0.0f);
    to_a(row) = ab(row) * ra * rb * ra;
    to_b(row) = rb;
    scale(row) = live * ra;
    out(c, row) = scale(row) * (to_a(row) * a(c, row) - to_b(row) * b(c, row));
    return out;
}

const Op& cosine_grad_op() {
    static const Op op = {"cosine.grad", Pattern::rowwise, distance_grad_shape,
                          cosine_grad_algorithm};
    return op;
}

std::vector<Edge> cosine_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Edge a = node.inputs[0], b = node.inputs[1];
    const auto toward = [&](const char* suffix, Edge of, Edge other) {
        return Edge{graph.add(
            {&cosine_grad_op(), node.name + suffix, {of, other, adjoint}, {}, {}, node.location})};
    };
    const Edge grad = toward(".grad", a, b);
    return {grad, toward(".grad_other", b, a)};
}

void cosine_reference(const Graph&, const Node&, const std::vector<const Tensor64*>& in,
                      Tensor64& out) {
    const int size = in[0]->shape.dims[0];
    for (int row = 0; row < out.rows; ++row) {
        double aa = 0, bb = 0, ab = 0;
        for (int c = row * size; c < (row + 1) * size; ++c) {
            const double a = in[0]->data[c], b = in[1]->data[c];
            aa += a * a;
            bb += b * b;
            ab += a * b;
        }
        out.data[row] = 1 - ab / std::sqrt(std::max<double>(aa, tiny) * std::max<double>(bb, tiny));
    }
}

const Op& cosine_op() {
    static const Op op = {
        "cosine",
        Pattern::rowwise,
        distance_shape,
        [](const AlgorithmContext& context) {
            const Func &a = context.inputs[0], &b = context.inputs[1];
            const int size = context.graph.shape_of(context.node.inputs[0]).dims[0];
            Func aa = dot(a, a, size, "aa"), bb = dot(b, b, size, "bb"), ab = dot(a, b, size, "ab");
            Var row("row");
            Func out("cosine");
            out(row) = 1.0f - ab(row) * inverse_length(aa, row) * inverse_length(bb, row);
            return out;
        },
        cosine_gradient,
        cosine_reference};
    return op;
}

// Of cosines.
const Op& one_minus_op() {
    static const Op op = {
        "one_minus",
        Pattern::elementwise,
        shape_of_first,
        [](const AlgorithmContext& context) {
            const auto vars = index_vars(context.node.shape);
            Func out("one_minus");
            out(vars) = 1.0f - context.inputs[0](vars);
            return out;
        },
        [](Graph& graph, NodeId self, Edge adjoint) -> std::vector<Edge> {
            return {add_for(graph, Node(graph[self]), negate_op(), ".grad", {adjoint})};
        },
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            for (std::size_t i = 0; i < out.data.size(); ++i) out.data[i] = 1 - in[0]->data[i];
        }};
    return op;
}

}  // namespace

Layer cosine_layer() {
    Layer layer =
        distance_layer("cosine", "1 - cosine of the angle between the embeddings", cosine_op());
    layer.build_matrix = [](Graph& graph, const LayerUse& use) {
        const Layer* normalize = find_layer("l2_normalize", LayerKind::layer);
        const Edge unit = normalize->build(
            graph, {use.name + ".unit", {use.inputs[0]}, {{"epsilon", 1e-12}}, use.location});
        return map_matrix(graph, use, one_minus_op(), dot_products(graph, use, unit));
    };
    return layer;
}

}  // namespace siamc::compiler
