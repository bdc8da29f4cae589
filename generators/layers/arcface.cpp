// arcface: each class has a direction, a trained column w of `arcface.kernel`; c(j) is the cosine
// between it and an image's embedding x, and y the image's class. The loss is softmax
// cross-entropy with the logits scale * c(j), but for the class's own
//   scale * cos(acos(c(y)) + margin),  or, where that angle would be over pi,
//   scale * (c(y) - margin sin(margin))
// (Deng, Guo, Xue and Zafeiriou 2019; the second case is that of their code). With margin = 0 it is
// the normalised softmax (Wang, Xiang, Cheng and Yuille 2017). An embedding that is all zero has
// cosine 0 with everything, and gradient 0; so has a column.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "layers/structural.h"

namespace siamc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// ---- cosines ------------------------------------------------------------------------------------

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
        "arcface.inverse_lengths",
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
        "arcface.unit",
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
    static const Op op = {"arcface.unit_transposed", Pattern::parameter,
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
    static const Op op = {"arcface.grad_input", Pattern::matmul, product_shape, product};
    return op;
}

// (x, adjoint, cosines, unit columns u, inverse lengths) -> of the kernel: of each column the sum
// over the images of adjoint / |w| * (x - c u).
const Op& cosine_grad_kernel_op() {
    static const Op op = [] {
        Op sum = {"arcface.grad_kernel", Pattern::batch_sum,
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
        "arcface",
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

// ---- the loss -----------------------------------------------------------------------------------

// Squared sines are at least this: towards an angle of 0 the slope of cos(angle + margin) grows
// without bound.
constexpr double least_sine_square = 1e-6;

struct Margin {
    explicit Margin(const Node& node)
        : scale(real(node.attributes, "scale")),
          margin(real(node.attributes, "margin")),
          cosine(std::cos(margin)),
          sine(std::sin(margin)) {}

    double scale, margin, cosine, sine;
};

// Of one row: the class's own logit among the others, and the softmax.
struct Logits {
    explicit Logits(const AlgorithmContext& context)
        : in(context.inputs),
          classes(context.graph.shape_of(context.node.inputs[0]).dims[0]),
          rule(context.node) {
        const Var row("row");
        const RDom j(0, classes, "j");
        own = Func("own_cosine");
        own(row) = 0.0f;
        own(row) += select(is_own(j, row), in[0](j, row), 0.0f);
        target = Func("target");
        target(row) = target_of(own(row));
        largest = Func("largest_logit");
        largest(row) = -1e30f;
        largest(row) = max(largest(row), logit(j, row));
        sum = Func("exponentials");
        sum(row) = 0.0f;
        sum(row) += exp(logit(j, row) - largest(row));
    }

    static Expr number(double value) { return static_cast<float>(value); }
    Expr is_own(const Expr& j, const Expr& row) const {
        return in[1](row) == Halide::cast<float>(j);
    }
    // Whether the angle and the margin are together at most pi.
    Expr fits(const Expr& c) const {
        return rule.margin < std::numbers::pi ? c > number(-rule.cosine)
                                              : Halide::cast<bool>(false);
    }
    static Expr sine_square(const Expr& c) { return (1.0f - c) * (1.0f + c); }
    static Expr sine(const Expr& c) { return sqrt(max(sine_square(c), number(least_sine_square))); }
    Expr target_of(const Expr& c) const {
        return select(fits(c), c * number(rule.cosine) - sine(c) * number(rule.sine),
                      c - number(rule.margin * rule.sine));
    }
    Expr target_slope(const Expr& c) const {
        const Expr bends = select(sine_square(c) > number(least_sine_square), c / sine(c), 0.0f);
        return select(fits(c), number(rule.cosine) + number(rule.sine) * bends, 1.0f);
    }
    Expr logit(const Expr& j, const Expr& row) const {
        return number(rule.scale) * select(is_own(j, row), target(row), in[0](j, row));
    }

    const std::vector<Func>& in;  // cosines, class
    int classes;
    Margin rule;
    Func own, target, largest, sum;
};

Func loss_algorithm(const AlgorithmContext& context) {
    const Logits logits(context);
    const Var row("row");
    Func out("arcface_loss");
    out(row) = logits.largest(row) + log(logits.sum(row)) -
               Logits::number(logits.rule.scale) * logits.target(row);
    return out;
}

// (cosines, class, adjoint): scale (p(j) - [j = y]) times the slope of the class's own.
Func loss_grad_algorithm(const AlgorithmContext& context) {
    const Logits logits(context);
    const Var j("j"), row("row");
    Func factor("factor"), slope("slope"), out("arcface_loss_grad");
    factor(row) = Logits::number(logits.rule.scale) * context.inputs[2](row);
    slope(row) = logits.target_slope(logits.own(row));
    const Expr p = exp(logits.logit(j, row) - logits.largest(row)) / logits.sum(row);
    out(j, row) = factor(row) * select(logits.is_own(j, row), (p - 1.0f) * slope(row), p);
    return out;
}

const Op& loss_grad_op() {
    static const Op op = {"arcface_loss.grad", Pattern::rowwise, shape_of_first,
                          loss_grad_algorithm};
    return op;
}

void loss_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                    Tensor64& out) {
    const Margin rule(node);
    const auto classes = static_cast<size_t>(in[0]->shape.dims[0]);
    for (size_t row = 0; row < out.data.size(); ++row) {
        std::vector<double> cosines(in[0]->data.begin() + static_cast<long>(row * classes),
                                    in[0]->data.begin() + static_cast<long>((row + 1) * classes));
        const auto own = static_cast<size_t>(in[1]->data[row]);
        const double c = cosines[own], sine = std::sqrt(std::max(1 - c * c, least_sine_square));
        const bool fits = std::acos(std::clamp(c, -1.0, 1.0)) + rule.margin < std::numbers::pi;
        cosines[own] = fits ? c * rule.cosine - sine * rule.sine : c - rule.margin * rule.sine;
        double sum = 0;
        for (const double cosine : cosines) sum += std::exp(rule.scale * (cosine - cosines[own]));
        out.data[row] = std::log(sum);
    }
}

const Op& loss_op() {
    static const Op op = {
        "arcface_loss",
        Pattern::rowwise,
        [](const Graph& graph, const Node& node) {
            return Shape{{}, graph.shape_of(node.inputs[0]).rows};
        },
        loss_algorithm,
        [](Graph& graph, NodeId self, Edge adjoint) {
            const Node node = graph[self];
            return std::vector<Edge>{
                add_for(graph, node, loss_grad_op(), ".grad",
                        {node.inputs[0], node.inputs[1], adjoint}, node.attributes),
                Edge{}};
        },
        loss_reference};
    return op;
}

Edge build_arcface(Graph& graph, const LayerUse& use) {
    const Layer* normalize = find_layer("l2_normalize", LayerKind::layer);
    const Edge x = normalize->build(
        graph,
        {use.name + ".embedding", {use.inputs[0]}, {{"epsilon", least_square}}, use.location});
    const long classes = integer(use.attributes, classes_attribute);
    const Edge kernel =
        parameter(graph, "arcface.kernel", {classes, graph.shape_of(x).size()}, use.location);
    const auto add = [&](const Op& op, const std::string& name, std::vector<Edge> inputs,
                         const Attributes& attributes = {}) {
        return Edge{graph.add({&op, name, std::move(inputs), attributes, {}, use.location})};
    };
    const Edge unit = add(unit_op(), use.name + ".unit", {kernel});
    const Edge lengths = add(inverse_lengths_op(), use.name + ".inverse_lengths", {kernel});
    const Edge cosines = add(cosine_op(), use.name + ".cosines", {x, unit, kernel, lengths});
    return add(loss_op(), use.name, {cosines, use.inputs[1]},
               {{"margin", use.attributes.at("margin")}, {"scale", use.attributes.at("scale")}});
}

}  // namespace

Layer arcface_layer() {
    Layer layer{"arcface", LayerKind::loss,
                "images: softmax over the angles to a trained direction of each class"};
    layer.sees = Sees::image;
    AttributeRule classes{classes_attribute, AttributeType::integer, std::nullopt, 2,
                          "how many there are: labels are 0 to classes - 1"};
    classes.maximum = 65536;
    classes.samples = {3L, 20L};
    AttributeRule margin{"margin", AttributeType::real, 0.5, 0,
                         "added to the angle to the own class, in radians"};
    margin.samples = {0.5, 1.2};
    AttributeRule scale{"scale", AttributeType::real, 64.0, 0.001, "of the cosines in the softmax"};
    layer.attributes = {classes, margin, scale};
    layer.build = build_arcface;
    return layer;
}

}  // namespace siamc
