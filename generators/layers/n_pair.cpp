// n_pair: of each image i the mean over its positives p of
//   log(1 + sum over its negatives n of exp((D(i, p) - D(i, n)) / t))
// (Sohn 2016, who has one positive an image, inner products for -D and t = 1). An image without a
// positive or without a negative costs nothing.
#include <cmath>

#include "layers/batch_loss.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

// With m the nearest negative, e(n) = exp((m - D(i, n)) / t), a number from 0 to 1, and S their
// sum, which is at least 1, the term of p is log(1 + exp(x)) with x = log S + (D(i, p) - m) / t.
struct NPairTerms {
    explicit NPairTerms(const AlgorithmContext& context)
        : batch(context),
          inverse(static_cast<float>(1 / real(context.node.attributes, "temperature"))) {
        const auto negatives = [&](const Expr& j, const Expr& i) {
            return batch.is_negative(j, i);
        };
        nearest = batch.smallest("nearest_negative", negatives, [&](const Expr& j, const Expr& i) {
            return batch.distance(j, i);
        });
        sum = batch.sum("negative_exponentials", negatives,
                        [&](const Expr& j, const Expr& i) { return exponential(j, i); });
        count = over_positives("positives", [](const Expr&, const Expr&) { return Expr(1.0f); });
    }

    Func over_positives(const std::string& name, const BatchLoss::OfPair& value) const {
        return batch.sum(
            name, [&](const Expr& j, const Expr& i) { return batch.is_positive(j, i); }, value);
    }
    Expr exponential(const Expr& n, const Expr& i) const {
        return exp((nearest(i) - batch.distance(n, i)) * inverse);
    }
    Expr total(const Expr& i) const { return max(sum(i), 1.0f); }
    Expr exponent(const Expr& p, const Expr& i) const {
        return log(total(i)) + (batch.distance(p, i) - nearest(i)) * inverse;
    }
    Expr exists(const Expr& i) const { return count(i) > 0.0f && nearest(i) < BatchLoss::none; }

    BatchLoss batch;
    float inverse;
    Func nearest, sum, count;
};

// log(1 + exp(x)) and its slope, without overflow.
Expr softplus(const Expr& x) {
    return max(x, 0.0f) + log(1.0f + exp(min(x, -x)));
}

Expr softplus_slope(const Expr& x) {
    const Expr small = exp(min(x, -x));
    return select(x > 0.0f, 1.0f, small) / (1.0f + small);
}

Func n_pair_algorithm(const AlgorithmContext& context) {
    const NPairTerms terms(context);
    const Func sum = terms.over_positives(
        "terms", [&](const Expr& p, const Expr& i) { return softplus(terms.exponent(p, i)); });
    Var row("row");
    Func out("n_pair");
    out(row) = select(terms.exists(row), sum(row) / max(terms.count(row), 1.0f), 0.0f);
    return out;
}

// Of positives slope(p) / (t |P|), of negatives -e(n) / S / (t |P|) sum over p of slope(p).
Func n_pair_grad_algorithm(const AlgorithmContext& context) {
    const NPairTerms terms(context);
    const BatchLoss& batch = terms.batch;
    const Func slopes = terms.over_positives("slopes", [&](const Expr& p, const Expr& i) {
        return softplus_slope(terms.exponent(p, i));
    });
    Var j("j"), row("row");
    Func scale("scale"), share("share"), out("n_pair_grad");
    scale(row) = select(terms.exists(row),
                        batch.adjoint(row) * terms.inverse / max(terms.count(row), 1.0f), 0.0f);
    share(row) = slopes(row) / terms.total(row);
    const Expr column = min(j, batch.images() - 1);
    const Expr slope =
        select(batch.is_positive(column, row), softplus_slope(terms.exponent(column, row)),
               batch.is_negative(column, row), -terms.exponential(column, row) * share(row), 0.0f);
    out(j, row) = select(j < batch.images(), scale(row) * slope, 0.0f);
    return out;
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

}  // namespace

Layer n_pair_layer() {
    static const BatchLossOps ops("n_pair", n_pair_algorithm, n_pair_grad_algorithm,
                                  n_pair_reference);
    Layer layer = batch_loss_layer(
        ops, "batch: each positive of an image against all its negatives, by softmax");
    // Small ones too: there exponentials vanish, of positives that are far beside others.
    layer.attributes = {{"temperature",
                         AttributeType::real,
                         1.0,
                         0.001,
                         "distances are divided by it",
                         any_integer,
                         {1.0, 0.01}}};
    return layer;
}

}  // namespace siamc::compiler
