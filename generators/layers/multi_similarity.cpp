// multi_similarity: of each image i, with its positives P and negatives N that are hard,
//   log(1 + sum over p of exp(alpha (D(i, p) - base))) / alpha
//   + log(1 + sum over n of exp(beta (base - D(i, n)))) / beta
// (Wang et al. 2019). Hard are positives farther than the nearest negative less epsilon, and
// negatives nearer than the farthest positive and epsilon. They write similarities S: with the
// distance "cosine" D is 1 - S, and base is 1 less their lambda. An image without a positive or
// without a negative costs nothing.
#include <algorithm>
#include <cmath>

#include "layers/batch_loss.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

// One of the two logarithms: log(1 + sum over kept j of exp(x(j))) is m + log(exp(-m) + sum of
// exp(x(j) - m)), where m, the largest x or 0, keeps it from overflowing.
struct HardTerm {
    Expr exponential(const Expr& j, const Expr& i) const { return exp(exponent(j, i) - most(i)); }
    Expr total(const Expr& i) const { return exp(-most(i)) + sum(i); }
    Expr log_total(const Expr& i) const { return most(i) + log(total(i)); }

    BatchLoss::OfPair keeps, exponent;
    Func most, sum;
};

struct MultiSimilarityTerms {
    explicit MultiSimilarityTerms(const AlgorithmContext& context)
        : batch(context),
          alpha(attribute(context, "alpha")),
          beta(attribute(context, "beta")),
          base(attribute(context, "base")),
          epsilon(attribute(context, "epsilon")) {
        farthest = batch.largest(
            "farthest_positive",
            [this](const Expr& j, const Expr& i) { return batch.is_positive(j, i); }, distance());
        nearest = batch.smallest(
            "nearest_negative",
            [this](const Expr& j, const Expr& i) { return batch.is_negative(j, i); }, distance());
        positive.keeps = [this](const Expr& j, const Expr& i) {
            return batch.is_positive(j, i) && batch.distance(j, i) > nearest(i) - epsilon;
        };
        positive.exponent = [this](const Expr& j, const Expr& i) {
            return alpha * (batch.distance(j, i) - base);
        };
        negative.keeps = [this](const Expr& j, const Expr& i) {
            return batch.is_negative(j, i) && batch.distance(j, i) < farthest(i) + epsilon;
        };
        negative.exponent = [this](const Expr& j, const Expr& i) {
            return beta * (base - batch.distance(j, i));
        };
        complete(positive, "positive", [this](const Expr& i) {
            return select(farthest(i) > nearest(i) - epsilon, alpha * (farthest(i) - base), 0.0f);
        });
        complete(negative, "negative", [this](const Expr& i) {
            return select(nearest(i) < farthest(i) + epsilon, beta * (base - nearest(i)), 0.0f);
        });
    }
    MultiSimilarityTerms(const MultiSimilarityTerms&) = delete;  // its functions refer to it
    MultiSimilarityTerms& operator=(const MultiSimilarityTerms&) = delete;

    static float attribute(const AlgorithmContext& context, const char* name) {
        return static_cast<float>(real(context.node.attributes, name));
    }
    BatchLoss::OfPair distance() const {
        return [this](const Expr& j, const Expr& i) { return batch.distance(j, i); };
    }
    // `largest`: of the exponents that are kept, which is the farthest positive's or the nearest
    // negative's; 0 where none is.
    void complete(HardTerm& term, const std::string& name,
                  const std::function<Expr(const Expr&)>& largest) const {
        Var row("row");
        term.most = Func(name + "_most");
        term.most(row) = max(largest(row), 0.0f);
        term.sum = batch.sum(name + "_sum", term.keeps,
                             [&](const Expr& j, const Expr& i) { return term.exponential(j, i); });
    }

    BatchLoss batch;
    float alpha, beta, base, epsilon;
    Func farthest, nearest;
    HardTerm positive, negative;
};

Func multi_similarity_algorithm(const AlgorithmContext& context) {
    const MultiSimilarityTerms terms(context);
    Var row("row");
    Func out("multi_similarity");
    out(row) =
        terms.positive.log_total(row) / terms.alpha + terms.negative.log_total(row) / terms.beta;
    return out;
}

// Of kept positives exp(x) / (1 + sum), of kept negatives -exp(x) / (1 + sum). Who is kept changes
// by jumps, which have no gradient.
Func multi_similarity_grad_algorithm(const AlgorithmContext& context) {
    const MultiSimilarityTerms terms(context);
    const BatchLoss& batch = terms.batch;
    Var j("j"), row("row");
    Func attracts("attracts"), repels("repels"), out("multi_similarity_grad");
    attracts(row) = batch.adjoint(row) / terms.positive.total(row);
    repels(row) = batch.adjoint(row) / terms.negative.total(row);
    const Expr column = min(j, batch.images() - 1);
    const Expr slope = select(terms.positive.keeps(column, row),
                              terms.positive.exponential(column, row) * attracts(row),
                              terms.negative.keeps(column, row),
                              -terms.negative.exponential(column, row) * repels(row), 0.0f);
    out(j, row) = select(j < batch.images(), slope, 0.0f);
    return out;
}

void multi_similarity_reference(const Graph&, const Node& node,
                                const std::vector<const Tensor64*>& inputs, Tensor64& out) {
    const BatchLoss64 in(inputs);
    const double alpha = real(node.attributes, "alpha"), beta = real(node.attributes, "beta");
    const double base = real(node.attributes, "base"), epsilon = real(node.attributes, "epsilon");
    for (int i = 0; i < in.rows; ++i) {
        double farthest = -1e300, nearest = 1e300, positives = 0, negatives = 0;
        for (int j = 0; j < in.rows; ++j) {
            if (in.is_positive(i, j)) farthest = std::max(farthest, in.distance(i, j));
            if (in.is_negative(i, j)) nearest = std::min(nearest, in.distance(i, j));
        }
        for (int j = 0; j < in.rows; ++j) {
            const double d = in.distance(i, j);
            if (in.is_positive(i, j) && d > nearest - epsilon)
                positives += std::exp(alpha * (d - base));
            if (in.is_negative(i, j) && d < farthest + epsilon)
                negatives += std::exp(beta * (base - d));
        }
        out.data[static_cast<std::size_t>(i)] =
            std::log(1 + positives) / alpha + std::log(1 + negatives) / beta;
    }
}

}  // namespace

Layer multi_similarity_layer() {
    static const BatchLossOps ops("multi_similarity", multi_similarity_algorithm,
                                  multi_similarity_grad_algorithm, multi_similarity_reference);
    Layer layer = batch_loss_layer(
        ops, "batch: each image's hard positives and hard negatives, weighed by distance");
    layer.attributes = {
        {"alpha",
         AttributeType::real,
         2.0,
         0.001,
         "how steeply far positives weigh more",
         any_integer,
         {2.0, 100.0}},
        {"beta",
         AttributeType::real,
         50.0,
         0.001,
         "how steeply near negatives weigh more",
         any_integer,
         {50.0, 2.0}},
        {"base", AttributeType::real, 0.5, 0, "the distance that parts positives from negatives"},
        {"epsilon",
         AttributeType::real,
         0.1,
         0,
         "what is hard: this near to the other side",
         any_integer,
         {0.0, 0.1, 0.7}}};
    return layer;
}

}  // namespace siamc::compiler
