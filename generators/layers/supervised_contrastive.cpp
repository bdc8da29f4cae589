// supervised_contrastive: of each image i, with its positives P and all others A of the batch,
//   -1/|P| sum over p of log(exp(-D(i, p) / t) / sum over a of exp(-D(i, a) / t))
// (Khosla et al. 2020, L_out). With the distance "cosine" this is theirs on cosines, since what a
// distance differs by is the same in numerator and denominator; with one positive it is InfoNCE
// (van den Oord, Li and Vinyals 2018). An image without a positive costs nothing.
#include <cmath>

#include "layers/batch_loss.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

// log of the sum above is nearest + log(sum of exp(nearest - ...)), which neither overflows nor
// vanishes.
struct Softmax {
    explicit Softmax(const AlgorithmContext& context)
        : batch(context),
          inverse(static_cast<float>(1 / real(context.node.attributes, "temperature"))) {
        const auto others = [&](const Expr& j, const Expr& i) { return batch.is_other(j, i); };
        const auto positives = [&](const Expr& j, const Expr& i) {
            return batch.is_positive(j, i);
        };
        const auto distance = [&](const Expr& j, const Expr& i) { return batch.distance(j, i); };
        nearest = batch.smallest("nearest", others, distance);
        sum = batch.sum("exponentials", others,
                        [&](const Expr& j, const Expr& i) { return exponential(j, i); });
        count =
            batch.sum("positives", positives, [](const Expr&, const Expr&) { return Expr(1.0f); });
        positive = batch.sum("positive_distances", positives, distance);
    }

    Expr exponential(const Expr& j, const Expr& i) const {
        return exp((nearest(i) - batch.distance(j, i)) * inverse);
    }

    BatchLoss batch;
    float inverse;
    Func nearest, sum, count, positive;
};

Func supervised_contrastive_algorithm(const AlgorithmContext& context) {
    const Softmax softmax(context);
    Var row("row");
    Func out("supervised_contrastive");
    const Expr mean = softmax.positive(row) / max(softmax.count(row), 1.0f);
    out(row) = select(
        softmax.count(row) > 0.0f,
        (mean - softmax.nearest(row)) * softmax.inverse + log(max(softmax.sum(row), 1.0f)), 0.0f);
    return out;
}

// dL/dD(i, j) = (1[j in P] / |P| - exp(-D(i, j) / t) / sum) / t
Func supervised_contrastive_grad_algorithm(const AlgorithmContext& context) {
    const Softmax softmax(context);
    const BatchLoss& batch = softmax.batch;
    Var j("j"), row("row");
    Func scale("scale"), share("share"), out("supervised_contrastive_grad");
    scale(row) = select(softmax.count(row) > 0.0f, batch.adjoint(row) * softmax.inverse, 0.0f);
    share(row) = 1.0f / max(softmax.count(row), 1.0f);
    const Expr column = min(j, batch.images() - 1);
    const Expr positive = batch.is_positive(column, row);
    const Expr weight = softmax.exponential(column, row) / max(softmax.sum(row), 1.0f);
    out(j, row) = select(j < batch.images() && batch.is_other(column, row),
                         scale(row) * (select(positive, share(row), 0.0f) - weight), 0.0f);
    return out;
}

void supervised_contrastive_reference(const Graph&, const Node& node,
                                      const std::vector<const Tensor64*>& inputs, Tensor64& out) {
    const BatchLoss64 in(inputs);
    const double t = real(node.attributes, "temperature");
    for (int i = 0; i < in.rows; ++i) {
        double sum = 0, logits = 0;
        int positives = 0;
        for (int j = 0; j < in.rows; ++j) {
            if (in.is_positive(i, j)) logits -= in.distance(i, j) / t, ++positives;
            if (in.is_positive(i, j) || in.is_negative(i, j))
                sum += std::exp(-in.distance(i, j) / t);
        }
        out.data[static_cast<std::size_t>(i)] = positives ? std::log(sum) - logits / positives : 0;
    }
}

}  // namespace

Layer supervised_contrastive_layer() {
    static const BatchLossOps ops("supervised_contrastive", supervised_contrastive_algorithm,
                                  supervised_contrastive_grad_algorithm,
                                  supervised_contrastive_reference);
    Layer layer = batch_loss_layer(
        ops, "batch: each image's positives against all others, by softmax (SupCon, InfoNCE)");
    layer.attributes = {
        {"temperature", AttributeType::real, 0.1, 0.001, "distances are divided by it"}};
    return layer;
}

}  // namespace siamc::compiler
