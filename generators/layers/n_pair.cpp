// n_pair: of each image i the mean over its positives p of
//   log(1 + sum over its negatives n of exp((D(i, p) - D(i, n)) / t))
// (Sohn 2016, who has one positive an image, inner products for -D and t = 1). An image without a
// positive or without a negative costs nothing.
#include <cmath>

#include "layers/batch_loss.h"

namespace siamc {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

// With m the nearest other image and e(j) = exp((m - D(i, j)) / t), a number from 0 to 1, the term
// of p is log(e(p) + sum of e(n)) - (m - D(i, p)) / t.
struct NPairTerms {
    explicit NPairTerms(const AlgorithmContext& context)
        : batch(context),
          inverse(static_cast<float>(1 / real(context.node.attributes, "temperature"))) {
        const auto positives = [&](const Expr& j, const Expr& i) {
            return batch.is_positive(j, i);
        };
        const auto negatives = [&](const Expr& j, const Expr& i) {
            return batch.is_negative(j, i);
        };
        const auto others = [=](const Expr& j, const Expr& i) {
            return positives(j, i) || negatives(j, i);
        };
        const auto one = [](const Expr&, const Expr&) { return Expr(1.0f); };
        nearest = batch.smallest(
            "nearest", others, [&](const Expr& j, const Expr& i) { return batch.distance(j, i); });
        negative = batch.sum("negative_exponentials", negatives,
                             [&](const Expr& j, const Expr& i) { return exponential(j, i); });
        count = batch.sum("positives", positives, one);
        rivals = batch.sum("negatives", negatives, one);
    }

    Expr exponent(const Expr& j, const Expr& i) const {
        return (nearest(i) - batch.distance(j, i)) * inverse;
    }
    Expr exponential(const Expr& j, const Expr& i) const { return exp(exponent(j, i)); }
    // Of a positive: its share of itself and the negatives. Both may have vanished beside another
    // positive that is nearest.
    Expr total(const Expr& p, const Expr& i) const {
        return max(exponential(p, i) + negative(i), 1e-37f);
    }
    Expr exists(const Expr& i) const { return count(i) > 0.0f && rivals(i) > 0.0f; }

    BatchLoss batch;
    float inverse;
    Func nearest, negative, count, rivals;
};

Func n_pair_algorithm(const AlgorithmContext& context) {
    const NPairTerms terms(context);
    const BatchLoss& batch = terms.batch;
    const Func sum = batch.sum(
        "terms", [&](const Expr& j, const Expr& i) { return batch.is_positive(j, i); },
        [&](const Expr& j, const Expr& i) {
            return log(terms.total(j, i)) - terms.exponent(j, i);
        });
    Var row("row");
    Func out("n_pair");
    out(row) = select(terms.exists(row), sum(row) / max(terms.count(row), 1.0f), 0.0f);
    return out;
}

// Of positives (1 - e(p) / total(p)) / (t |P|), of negatives -e(n) / (t |P|) sum over p of
// 1 / total(p).
Func n_pair_grad_algorithm(const AlgorithmContext& context) {
    const NPairTerms terms(context);
    const BatchLoss& batch = terms.batch;
    const Func inverses = batch.sum(
        "inverses", [&](const Expr& j, const Expr& i) { return batch.is_positive(j, i); },
        [&](const Expr& j, const Expr& i) { return 1.0f / terms.total(j, i); });
    Var j("j"), row("row");
    Func scale("scale"), out("n_pair_grad");
    scale(row) = select(terms.exists(row),
                        batch.adjoint(row) * terms.inverse / max(terms.count(row), 1.0f), 0.0f);
    const Expr column = min(j, batch.images() - 1), e = terms.exponential(column, row);
    const Expr slope = select(batch.is_positive(column, row), 1.0f - e / terms.total(column, row),
                              batch.is_negative(column, row), -e * inverses(row), 0.0f);
    out(j, row) = select(j < batch.images(), scale(row) * slope, 0.0f);
    return out;
}

const Op& n_pair_grad_op() {
    static const Op op = {"n_pair.grad", Pattern::rowwise, shape_of_first, n_pair_grad_algorithm};
    return op;
}

void n_pair_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& inputs,
                      Tensor64& out) {
    const BatchLoss64 in(inputs);
    const double t = real(node.attributes, "temperature");
    for (int i = 0; i < in.rows; ++i) {
        double sum = 0;
        int positives = 0, negatives = 0;
        for (int p = 0; p < in.rows; ++p) {
            if (!in.is_positive(i, p)) continue;
            double rivals = 0;
            for (int n = 0; n < in.rows; ++n)
                if (in.is_negative(i, n)) {
                    rivals += std::exp((in.distance(i, p) - in.distance(i, n)) / t);
                    ++negatives;
                }
            sum += std::log(1 + rivals);
            ++positives;
        }
        out.data[static_cast<std::size_t>(i)] = negatives ? sum / positives : 0;
    }
}

const Op& n_pair_op() {
    static const Op op = {"n_pair",
                          Pattern::rowwise,
                          batch_loss_shape,
                          n_pair_algorithm,
                          [](Graph& graph, NodeId self, Edge adjoint) {
                              return batch_loss_gradient(graph, self, adjoint, n_pair_grad_op());
                          },
                          n_pair_reference};
    return op;
}

}  // namespace

Layer n_pair_layer() {
    Layer layer{"n_pair", LayerKind::loss,
                "batch: each positive of an image against all its negatives, by softmax"};
    layer.sees = Sees::batch;
    layer.attributes = {
        {"temperature", AttributeType::real, 1.0, 0.001, "distances are divided by it"}};
    layer.build = [](Graph& graph, const LayerUse& use) {
        return add_batch_loss(graph, use, n_pair_op());
    };
    return layer;
}

}  // namespace siamc
