// cross_entropy: with p = sigmoid(steepness (threshold - D)) the probability that a pair is of one
// class, -y log p - (1 - y) log(1 - p); y = 1 for a pair of one class (Koch, Zemel and
// Salakhutdinov 2015, where the distance alone is in the sigmoid). With z = steepness (D -
// threshold) that is softplus(z) or softplus(-z), softplus(z) = max(z, 0) + log(1 + exp(-|z|)).
#include <algorithm>
#include <cmath>

#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

Shape cross_entropy_shape(const Graph&, const Node&) {
    return {{}, Rows::tuple};
}

// z for a pair of one class, -z for one of two.
struct Logit {
    explicit Logit(const Node& node)
        : steepness(real(node.attributes, "steepness")),
          threshold(real(node.attributes, "threshold")) {}

    Expr of(const Expr& d, const Expr& y) const {
        const Expr z = static_cast<float>(steepness) * (d - static_cast<float>(threshold));
        return select(y > 0.5f, z, -z);
    }

    double steepness, threshold;
};

// (D, y, adjoint) -> adjoint * +- steepness sigmoid(+- z)
const Op& cross_entropy_grad_op() {
    static const Op op = {"cross_entropy.grad", Pattern::elementwise, cross_entropy_shape,
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              const Logit logit(context.node);
                              const Var row("row");
                              const Expr z = logit.of(in[0](row), in[1](row));
                              const Expr small = exp(-abs(z));  // never overflows
                              const Expr sigmoid = select(z > 0.0f, 1.0f, small) / (1.0f + small);
                              const auto slope = static_cast<float>(logit.steepness);
                              Func out("cross_entropy_grad");
                              out(row) =
                                  in[2](row) * select(in[1](row) > 0.5f, slope, -slope) * sigmoid;
                              return out;
                          }};
    return op;
}

const Op& cross_entropy_op() {
    static const Op op = {
        "cross_entropy",
        Pattern::elementwise,
        cross_entropy_shape,
        [](const AlgorithmContext& context) {
            const Var row("row");
            const Expr z = Logit(context.node).of(context.inputs[0](row), context.inputs[1](row));
            Func out("cross_entropy");
            out(row) = max(z, 0.0f) + log(1.0f + exp(-abs(z)));
            return out;
        },
        [](Graph& graph, NodeId self, Edge adjoint) {
            const Node node = graph[self];
            return std::vector<Edge>{
                add_for(graph, node, cross_entropy_grad_op(), ".grad",
                        {node.inputs[0], node.inputs[1], adjoint}, node.attributes),
                Edge{}};
        },
        [](const Graph&, const Node& node, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const Logit logit(node);
            for (std::size_t i = 0; i < out.data.size(); ++i) {
                const double p =
                    1 / (1 + std::exp(logit.steepness * (in[0]->data[i] - logit.threshold)));
                out.data[i] = -std::log(in[1]->data[i] > 0.5 ? p : 1 - p);
            }
        }};
    return op;
}

}  // namespace

Layer cross_entropy_layer() {
    Layer layer{"cross_entropy", LayerKind::loss,
                "pairs: -log of the probability of the label, sigmoid(steepness (threshold - D))"};
    layer.attributes = {
        {"threshold", AttributeType::real, 0.5, 0,
         "the distance at which both labels are equally probable"},
        {"steepness", AttributeType::real, 10.0, 0.001, "how fast the probability changes there"}};
    layer.sees = Sees::pairs;
    layer.build = [](Graph& graph, const LayerUse& use) {
        return Edge{graph.add(
            {&cross_entropy_op(), use.name, use.inputs, use.attributes, {}, use.location})};
    };
    return layer;
}

}  // namespace siamc::compiler
