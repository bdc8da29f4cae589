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

#include "layers/class_cosines.h"
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

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
    const Edge cosines = class_cosines(graph, use, "arcface");
    return {
        graph.add({&loss_op(),
                   use.name,
                   {cosines, use.inputs[1]},
                   {{"margin", use.attributes.at("margin")}, {"scale", use.attributes.at("scale")}},
                   {},
                   use.location})};
}

}  // namespace

Layer arcface_layer() {
    Layer layer{"arcface", LayerKind::loss,
                "images: softmax over the angles to a trained direction of each class"};
    layer.sees = Sees::image;
    AttributeRule margin{"margin", AttributeType::real, 0.5, 0,
                         "added to the angle to the own class, in radians"};
    margin.samples = {0.5, 1.2};
    AttributeRule scale{"scale", AttributeType::real, 64.0, 0.001, "of the cosines in the softmax"};
    layer.attributes = {classes_rule(), margin, scale};
    layer.build = build_arcface;
    return layer;
}

}  // namespace siamc::compiler
