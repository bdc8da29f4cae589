// circle: of each image i, with its positives P and negatives N,
//   log(1 + sum over p of exp(gamma a(p) (D(i, p) - m)) * sum over n of exp(gamma b(n) (1 - m -
//   D(i, n))))
// with the weights a(p) = max(0, D(i, p) + m) and b(n) = max(0, 1 + m - D(i, n)), margin m
// (Sun et al. 2020). They write similarities s: with the distance "cosine" D is 1 - s. As there, a
// pair's weight says how far it is from where it should be and is no part of the gradient. An image
// without a positive or without a negative costs nothing.
#include <algorithm>
#include <cmath>

#include "layers/batch_loss.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

// The matrix once more, behind the inputs that every such loss has: what weights are taken from,
// through which nothing flows back.
constexpr size_t weighing = 4;

// max(0, x), exactly 0 where x is below: Halide takes a constant summand of x out of a max(), and
// what it adds behind it leaves a rounding error.
Expr above_zero(const Expr& x) {
    return select(x > 0.0f, x, 0.0f);
}

// One of the two sums, as m + log(sum of exp(x - m)) with its largest x.
struct CircleSum {
    Expr exponential(const Expr& j, const Expr& i) const {
        return exp(exponent(j, i) - largest(i));
    }
    Expr log_sum(const Expr& i) const { return largest(i) + log(max(sum(i), 1.0f)); }

    BatchLoss::OfPair among, weight, exponent;  // weight: gamma a(p), gamma b(n)
    Func largest, sum;
};

struct CircleTerms {
    explicit CircleTerms(const AlgorithmContext& context)
        : batch(context),
          held(context.inputs[weighing]),
          margin(static_cast<float>(real(context.node.attributes, "margin"))),
          gamma(static_cast<float>(real(context.node.attributes, "gamma"))) {
        positive.among = [this](const Expr& j, const Expr& i) { return batch.is_positive(j, i); };
        positive.weight = [this](const Expr& j, const Expr& i) {
            return gamma * above_zero(held(j, i) + margin);
        };
        positive.exponent = [this](const Expr& j, const Expr& i) {
            return positive.weight(j, i) * (batch.distance(j, i) - margin);
        };
        negative.among = [this](const Expr& j, const Expr& i) { return batch.is_negative(j, i); };
        negative.weight = [this](const Expr& j, const Expr& i) {
            return gamma * above_zero(1.0f + margin - held(j, i));
        };
        negative.exponent = [this](const Expr& j, const Expr& i) {
            return negative.weight(j, i) * (1.0f - margin - batch.distance(j, i));
        };
        complete(positive, "positive");
        complete(negative, "negative");
    }
    CircleTerms(const CircleTerms&) = delete;  // its functions refer to it
    CircleTerms& operator=(const CircleTerms&) = delete;

    void complete(CircleSum& term, const std::string& name) const {
        term.largest = batch.largest(name + "_largest", term.among, term.exponent);
        term.sum = batch.sum(name + "_sum", term.among,
                             [&](const Expr& j, const Expr& i) { return term.exponential(j, i); });
    }
    Expr exists(const Expr& i) const {
        return positive.largest(i) > -BatchLoss::none && negative.largest(i) > -BatchLoss::none;
    }
    // The logarithm of the product; 0 where there is none.
    Expr exponent(const Expr& i) const {
        return select(exists(i), positive.log_sum(i) + negative.log_sum(i), 0.0f);
    }

    BatchLoss batch;
    Func held;
    float margin, gamma;
    CircleSum positive, negative;
};

Func circle_algorithm(const AlgorithmContext& context) {
    const CircleTerms terms(context);
    Var row("row");
    const Expr x = terms.exponent(row);
    Func out("circle");
    // log(1 + exp(x)) that neither overflows nor loses small terms.
    out(row) = select(terms.exists(row), max(x, 0.0f) + log(1.0f + exp(min(x, -x))), 0.0f);
    return out;
}

// Of p its weight times its share of the sum, times exp(x) / (1 + exp(x)); of n less that.
Func circle_grad_algorithm(const AlgorithmContext& context) {
    const CircleTerms terms(context);
    const BatchLoss& batch = terms.batch;
    Var j("j"), row("row");
    const Expr x = terms.exponent(row), small = exp(min(x, -x));
    Func scale("scale"), out("circle_grad");
    scale(row) = select(terms.exists(row),
                        batch.adjoint(row) * select(x > 0.0f, 1.0f, small) / (1.0f + small), 0.0f);
    const Expr column = min(j, batch.images() - 1);
    const auto share = [&](const CircleSum& term) {
        return term.weight(column, row) * term.exponential(column, row) / max(term.sum(row), 1.0f);
    };
    const Expr slope = select(batch.is_positive(column, row), share(terms.positive),
                              batch.is_negative(column, row), -share(terms.negative), 0.0f);
    out(j, row) = select(j < batch.images(), scale(row) * slope, 0.0f);
    return out;
}

void circle_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& inputs,
                      Tensor64& out) {
    const BatchLoss64 in(inputs);
    const std::vector<double>& held = inputs[weighing]->data;
    const double m = real(node.attributes, "margin"), gamma = real(node.attributes, "gamma");
    for (int i = 0; i < in.rows; ++i) {
        long double positives = 0, negatives = 0;  // for their range: exponents reach thousands
        for (int j = 0; j < in.rows; ++j) {
            const double d = in.distance(i, j), h = held[static_cast<size_t>(i * in.columns + j)];
            if (in.is_positive(i, j)) positives += expl(gamma * std::max(0.0, h + m) * (d - m));
            if (in.is_negative(i, j))
                negatives += expl(gamma * std::max(0.0, 1 + m - h) * (1 - m - d));
        }
        out.data[static_cast<size_t>(i)] = static_cast<double>(logl(1 + positives * negatives));
    }
}

}  // namespace

Layer circle_layer() {
    static const BatchLossOps ops("circle", circle_algorithm, circle_grad_algorithm,
                                  circle_reference);
    Layer layer = batch_loss_layer(
        ops, "batch: each image's positives against its negatives, weighed by how wrong they are");
    layer.build = [build = layer.build](Graph& graph, const LayerUse& use) {
        LayerUse twice = use;
        twice.inputs.push_back(use.inputs[0]);
        return build(graph, twice);
    };
    AttributeRule margin{"margin", AttributeType::real, 0.25, 0,
                         "how near positives have to be, and negatives to distance 1"};
    margin.samples = {0.25, 0.4};
    AttributeRule gamma{"gamma", AttributeType::real, 256.0, 0.001, "of the exponents"};
    gamma.samples = {256.0, 3.0};
    layer.attributes = {margin, gamma};
    return layer;
}

}  // namespace siamc::compiler
