#include "layers/class_cosines.h"

#include <cmath>

#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// Squared lengths up to this count as 0.
constexpr double least_square = 1e-12;

// Of each column of a kernel 1 / |w|; 0 if it is all zero. `depth`: numbers of a column.
Func inverse_lengths(const Func& kernel, int depth) {
    const Var n("n");
    const RDom k(0, depth, "k");
    Func square("column_square"), out("column_scale");
    square(n) = 0.0f;
    square(n) += kernel(n, k) * kernel(n, k);
    const auto least = static_cast<float>(least_square);
    out(n) = select(square(n) > least, 1.0f / sqrt(max(square(n), least)), 0.0f);
    return out;
}

int depth_of(const AlgorithmContext& context) {
    return context.graph.shape_of(context.node.inputs[0]).dims[1];
}

double inverse_length64(const Tensor64& kernel, int column) {
    const int columns = kernel.shape.dims[0], depth = kernel.shape.dims[1];
    double square = 0;
    for (int k = 0; k < depth; ++k)
        square += std::pow(kernel.data[static_cast<size_t>(k * columns + column)], 2);
    return square > least_square ? 1 / std::sqrt(square) : 0;
}

// What is made of the kernel before the batch has no gradient: cosine_op's is all of it.
const Op& inverse_lengths_op() {
    static const Op op = {
        "class_cosines.inverse_lengths",
        Pattern::parameter,
        [](const Graph& graph, const Node& node) {
            return Shape{{graph.shape_of(node.inputs[0]).dims[0]}, Rows::none};
        },
        [](const AlgorithmContext& context) {
            return inverse_lengths(context.inputs[0], depth_of(context));
        },
        {},
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            for (int n = 0; n < out.shape.dims[0]; ++n)
                out.data[static_cast<size_t>(n)] = inverse_length64(*in[0], n);
        }};
    return op;
}

// Columns of length 1.
const Op& unit_op() {
    static const Op op = {
        "class_cosines.unit",
        Pattern::parameter,
        shape_of_first,
        [](const AlgorithmContext& context) {
            const Func scale = inverse_lengths(context.inputs[0], depth_of(context));
            const Var n("n"), k("k");
            Func out("unit");
            out(n, k) = context.inputs[0](n, k) * scale(n);
            return out;
        },
        {},
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const auto columns = static_cast<size_t>(out.shape.dims[0]);
            for (size_t i = 0; i < out.data.size(); ++i)
                out.data[i] =
                    in[0]->data[i] * inverse_length64(*in[0], static_cast<int>(i % columns));
        }};
    return op;
}

// The same, lines for columns.
const Op& unit_transposed_op() {
    static const Op op = {"class_cosines.unit_transposed", Pattern::parameter,
                          [](const Graph& graph, const Node& node) {
                              const std::vector<int>& dims = graph.shape_of(node.inputs[0]).dims;
                              return Shape{{dims[1], dims[0]}, Rows::none};
                          },
                          [](const AlgorithmContext& context) {
                              const Func scale =
                                  inverse_lengths(context.inputs[0], depth_of(context));
                              const Var k("k"), n("n");
                              Func out("unit_transposed");
                              out(k, n) = context.inputs[0](n, k) * scale(n);
                              return out;
                          }};
    return op;
}

Func product(const AlgorithmContext& context) {
    const int depth = context.graph.shape_of(context.node.inputs[0]).dims[0];
    const Var n("n"), row("row");
    const RDom k(0, depth, "k");
    Func out("product");
    out(n, row) = 0.0f;
    out(n, row) += context.inputs[0](k, row) * context.inputs[1](n, k);
    return out;
}

Shape product_shape(const Graph& graph, const Node& node) {
    return {{graph.shape_of(node.inputs[1]).dims[0]}, graph.shape_of(node.inputs[0]).rows};
}

// (adjoint, transposed unit columns) -> of the embedding.
const Op& cosine_grad_input_op() {
    static const Op op = {"class_cosines.grad_input", Pattern::matmul, product_shape, product};
    return op;
}

// (x, adjoint, cosines, unit columns u, inverse lengths) -> of the kernel: of each column the sum
// over the images of adjoint / |w| * (x - c u).
const Op& cosine_grad_kernel_op() {
    static const Op op = [] {
        Op sum = {"class_cosines.grad_kernel", Pattern::batch_sum,
                  [](const Graph& graph, const Node& node) {
                      return Shape{graph.shape_of(node.inputs[3]).dims, Rows::none};
                  },
                  [](const AlgorithmContext& context) {
                      const auto& in = context.inputs;
                      const Var n("n"), k("k");
                      const RDom row(0, context.image_rows, "row");
                      Func out("grad_kernel");
                      out(n, k) = 0.0f;
                      out(n, k) +=
                          in[1](n, row) * in[4](n) * (in[0](k, row) - in[2](n, row) * in[3](n, k));
                      return out;
                  }};
        sum.blocked_input = 0;
        return sum;
    }();
    return op;
}

std::vector<Edge> cosine_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Edge x = node.inputs[0], unit = node.inputs[1], kernel = node.inputs[2];
    const Edge transposed = add_for(graph, node, unit_transposed_op(), ".transposed", {kernel});
    return {add_for(graph, node, cosine_grad_input_op(), ".grad_input", {adjoint, transposed}),
            Edge{},
            add_for(graph, node, cosine_grad_kernel_op(), ".grad_kernel",
                    {x, adjoint, {self}, unit, node.inputs[3]}),
            Edge{}};
}

// (x, unit columns, kernel, inverse lengths) -> x . u of each column: the cosines, for an x of
// length 1. The kernel is read by the gradient alone, which is that by all ways from it.
const Op& cosine_op() {
    static const Op op = {
        "class_cosines",
        Pattern::matmul,
        product_shape,
        product,
        cosine_gradient,
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const auto depth = static_cast<size_t>(in[0]->shape.dims[0]);
            const auto columns = static_cast<size_t>(out.shape.dims[0]);
            for (size_t i = 0; i < out.data.size(); ++i) {
                double sum = 0;
                for (size_t k = 0; k < depth; ++k)
                    sum += in[0]->data[i / columns * depth + k] *
                           in[2]->data[k * columns + i % columns];
                out.data[i] = sum * inverse_length64(*in[2], static_cast<int>(i % columns));
            }
        }};
    return op;
}

}  // namespace

Edge class_cosines(Graph& graph, const LayerUse& use, const std::string& loss) {
    const Layer* normalize = find_layer("l2_normalize", LayerKind::layer);
    const Edge x = normalize->build(
        graph,
        {use.name + ".embedding", {use.inputs[0]}, {{"epsilon", least_square}}, use.location});
    const long classes = integer(use.attributes, classes_attribute);
    const Edge kernel =
        parameter(graph, loss + ".kernel", {classes, graph.shape_of(x).size()}, use.location);
    const auto add = [&](const Op& op, const std::string& name, std::vector<Edge> inputs) {
        return Edge{graph.add({&op, use.name + name, std::move(inputs), {}, {}, use.location})};
    };
    const Edge unit = add(unit_op(), ".unit", {kernel});
    const Edge lengths = add(inverse_lengths_op(), ".inverse_lengths", {kernel});
    return add(cosine_op(), ".cosines", {x, unit, kernel, lengths});
}

AttributeRule classes_rule() {
    AttributeRule rule{classes_attribute, AttributeType::integer, std::nullopt, 2,
                       "how many there are: labels are 0 to classes - 1"};
    rule.maximum = 65536;
    rule.samples = {3L, 20L};
    return rule;
}

}  // namespace siamc::compiler
