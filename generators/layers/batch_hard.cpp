// batch_hard: of each image, its farthest positive p and nearest negative n among the batch:
// max(0, D(i, p) - D(i, n) + margin), or with soft = true log(1 + exp(D(i, p) - D(i, n))) (Hermans,
// Beyer and Leibe 2017). An image without a positive or without a negative costs nothing. Of equal
// distances the first image counts.
#include <algorithm>
#include <cmath>

#include "layers/batch_loss.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

bool is_soft(const Node& node) {
    return std::get<bool>(node.attributes.at("soft"));
}

// How much too far the hardest positive is, and the two distances.
struct Hardest {
    explicit Hardest(const AlgorithmContext& context) : batch(context) {
        const auto distance = [&](const Expr& j, const Expr& i) { return batch.distance(j, i); };
        positive = batch.largest(
            "hardest_positive",
            [&](const Expr& j, const Expr& i) { return batch.is_positive(j, i); }, distance);
        negative = batch.smallest(
            "hardest_negative",
            [&](const Expr& j, const Expr& i) { return batch.is_negative(j, i); }, distance);
    }

    Expr exists(const Expr& row) const {
        return positive(row) > -BatchLoss::none && negative(row) < BatchLoss::none;
    }
    // 0 where there are no such two.
    Expr gap(const Expr& row) const {
        return select(exists(row), positive(row) - negative(row), 0.0f);
    }

    BatchLoss batch;
    Func positive, negative;
};

Func batch_hard_algorithm(const AlgorithmContext& context) {
    const Hardest hardest(context);
    const auto margin = static_cast<float>(real(context.node.attributes, "margin"));
    Var row("row");
    const Expr gap = hardest.gap(row);
    // log(1 + exp(x)) that neither overflows nor loses small terms.
    const Expr cost = is_soft(context.node) ? max(gap, 0.0f) + log(1.0f + exp(min(gap, -gap)))
                                            : max(0.0f, gap + margin);
    Func out("batch_hard");
    out(row) = select(hardest.exists(row), cost, 0.0f);
    return out;
}

Func batch_hard_grad_algorithm(const AlgorithmContext& context) {
    const Hardest hardest(context);
    const BatchLoss& batch = hardest.batch;
    const auto margin = static_cast<float>(real(context.node.attributes, "margin"));
    const Func p = batch.first("hardest_positive_at", [&](const Expr& j, const Expr& i) {
        return batch.is_positive(j, i) && batch.distance(j, i) == hardest.positive(i);
    });
    const Func n = batch.first("hardest_negative_at", [&](const Expr& j, const Expr& i) {
        return batch.is_negative(j, i) && batch.distance(j, i) == hardest.negative(i);
    });
    Var j("j"), row("row");
    const Expr gap = hardest.gap(row);
    const Expr slope =
        is_soft(context.node) ? 1.0f / (1.0f + exp(-gap)) : select(gap + margin > 0.0f, 1.0f, 0.0f);
    Func scale("scale"), out("batch_hard_grad");
    scale(row) = select(hardest.exists(row), slope * batch.adjoint(row), 0.0f);
    out(j, row) = select(j == p(row), scale(row), j == n(row), -scale(row), 0.0f);
    return out;
}

void batch_hard_reference(const Graph&, const Node& node,
                          const std::vector<const Tensor64*>& inputs, Tensor64& out) {
    const BatchLoss64 in(inputs);
    const double margin = real(node.attributes, "margin");
    for (int i = 0; i < in.rows; ++i) {
        double farthest = -1e300, nearest = 1e300;
        for (int j = 0; j < in.rows; ++j) {
            if (in.is_positive(i, j)) farthest = std::max(farthest, in.distance(i, j));
            if (in.is_negative(i, j)) nearest = std::min(nearest, in.distance(i, j));
        }
        double& loss = out.data[static_cast<std::size_t>(i)] = 0;
        if (farthest == -1e300 || nearest == 1e300) continue;
        const double gap = farthest - nearest;
        loss = is_soft(node) ? std::log(1 + std::exp(gap)) : std::max(0.0, gap + margin);
    }
}

}  // namespace

Layer batch_hard_layer() {
    static const BatchLossOps ops("batch_hard", batch_hard_algorithm, batch_hard_grad_algorithm,
                                  batch_hard_reference);
    Layer layer = batch_loss_layer(
        ops, "batch: each image's farthest positive against its nearest negative, as triplet");
    layer.attributes = {
        {"margin", AttributeType::real, 1.0, 0, "how much nearer the positive has to be"},
        {"soft", AttributeType::boolean, false, 0, "log(1 + exp(.)) instead of a margin"}};
    return layer;
}

}  // namespace siamc::compiler
