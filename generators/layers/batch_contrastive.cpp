// batch_contrastive: contrastive loss over all pairs of the batch: of each image the mean over all
// others of D^2 (same class) or max(0, margin - D)^2 (Hadsell, Chopra and LeCun 2006).
#include <algorithm>

#include "layers/batch_loss.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

// How many others there are, at least 1.
Func others_of(const BatchLoss& batch) {
    const Func counted = batch.sum(
        "others", [&](const Expr& j, const Expr& i) { return batch.is_other(j, i); },
        [](const Expr&, const Expr&) { return Expr(1.0f); });
    Var row("row");
    Func out("others_or_one");
    out(row) = max(counted(row), 1.0f);
    return out;
}

Func batch_contrastive_algorithm(const AlgorithmContext& context) {
    const BatchLoss batch(context);
    const auto margin = static_cast<float>(real(context.node.attributes, "margin"));
    const Func cost = batch.sum(
        "costs", [&](const Expr& j, const Expr& i) { return batch.is_other(j, i); },
        [&](const Expr& j, const Expr& i) {
            const Expr d = batch.distance(j, i), short_of = max(0.0f, margin - d);
            return select(batch.is_positive(j, i), d * d, short_of * short_of);
        });
    const Func others = others_of(batch);
    Var row("row");
    Func out("batch_contrastive");
    out(row) = cost(row) / others(row);
    return out;
}

Func batch_contrastive_grad_algorithm(const AlgorithmContext& context) {
    const BatchLoss batch(context);
    const auto margin = static_cast<float>(real(context.node.attributes, "margin"));
    const Func others = others_of(batch);
    Var j("j"), row("row");
    Func scale("scale"), out("batch_contrastive_grad");
    scale(row) = 2.0f * batch.adjoint(row) / others(row);
    const Expr column = min(j, batch.images() - 1), d = batch.distance(column, row);
    const Expr slope = select(batch.is_positive(column, row), d, batch.is_negative(column, row),
                              -max(0.0f, margin - d), 0.0f);
    out(j, row) = select(j < batch.images(), scale(row) * slope, 0.0f);
    return out;
}

void batch_contrastive_reference(const Graph&, const Node& node,
                                 const std::vector<const Tensor64*>& inputs, Tensor64& out) {
    const BatchLoss64 in(inputs);
    const double margin = real(node.attributes, "margin");
    for (int i = 0; i < in.rows; ++i) {
        double sum = 0;
        int others = 0;
        for (int j = 0; j < in.rows; ++j) {
            const double d = in.distance(i, j), short_of = std::max(0.0, margin - d);
            if (in.is_positive(i, j)) sum += d * d, ++others;
            if (in.is_negative(i, j)) sum += short_of * short_of, ++others;
        }
        out.data[static_cast<std::size_t>(i)] = sum / std::max(others, 1);
    }
}

}  // namespace

Layer batch_contrastive_layer() {
    static const BatchLossOps ops("batch_contrastive", batch_contrastive_algorithm,
                                  batch_contrastive_grad_algorithm, batch_contrastive_reference);
    Layer layer = batch_loss_layer(ops, "batch: contrastive loss over all pairs of the batch");
    layer.attributes = {{"margin", AttributeType::real, 1.0, 0,
                         "distance from which different images cost nothing"}};
    return layer;
}

}  // namespace siamc::compiler
