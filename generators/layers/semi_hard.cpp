// semi_hard: of each image i the mean over its positives p of max(0, D(i, p) - D(i, n) + margin),
// where n is the nearest negative that is farther than p (Schroff, Kalenichenko and Philbin 2015:
// semi-hard if it lies within the margin); where no negative is farther, the farthest one (as
// TensorFlow Addons has it). An image without a positive or a negative costs nothing. Of equal
// distances the first image counts.
#include <algorithm>

#include "layers/each_positive.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

// For one sum of positives.
struct SemiHard {
    explicit SemiHard(const AlgorithmContext& context)
        : batch(context),
          each(batch),
          margin(static_cast<float>(real(context.node.attributes, "margin"))) {
        positives = each.count("positives");
        farthest = batch.largest(
            "farthest_negative",
            [&](const Expr& j, const Expr& i) { return batch.is_negative(j, i); },
            [&](const Expr& j, const Expr& i) { return batch.distance(j, i); });
        nearest = each.smallest("nearest_beyond", [&](const Expr& n, const Expr& p, const Expr& i) {
            const Expr beyond = batch.distance(n, i) > batch.distance(p, i);
            return select(batch.is_negative(n, i) && beyond, batch.distance(n, i), BatchLoss::none);
        });
    }
    SemiHard(const SemiHard&) = delete;  // its members refer to it
    SemiHard& operator=(const SemiHard&) = delete;

    Expr exists(const Expr& i) const { return farthest(i) > -BatchLoss::none; }
    // To the negative that p is compared with.
    Expr chosen(const Expr& p, const Expr& i) const {
        return select(nearest(p, i) < BatchLoss::none, nearest(p, i), farthest(i));
    }
    Expr gap(const Expr& p, const Expr& i) const {
        return batch.distance(p, i) - chosen(p, i) + margin;
    }
    // 0 where there is no negative.
    Expr share(const Expr& i) const {
        return select(exists(i), 1.0f / max(positives(i), 1.0f), 0.0f);
    }

    BatchLoss batch;
    EachPositive each;
    float margin;
    Func positives, farthest, nearest;
};

Func semi_hard_algorithm(const AlgorithmContext& context) {
    const SemiHard mined(context);
    const Func cost = mined.each.total("cost", [&](const Expr& p, const Expr& i) {
        return select(mined.exists(i), max(0.0f, mined.gap(p, i)), 0.0f);
    });
    Var row("row");
    Func out("semi_hard");
    out(row) = cost(row) * mined.share(row);
    return out;
}

Func semi_hard_grad_algorithm(const AlgorithmContext& context) {
    const SemiHard mined(context);
    const BatchLoss& batch = mined.batch;
    const Func negative =
        mined.each.first("chosen_at", [&](const Expr& n, const Expr& p, const Expr& i) {
            return batch.is_negative(n, i) && batch.distance(n, i) == mined.chosen(p, i);
        });
    Var row("row");
    Func scale("scale");
    scale(row) = batch.adjoint(row) * mined.share(row);
    return mined.each.spread("semi_hard_grad", [&](const Expr& j, const Expr& p, const Expr& i) {
        const Expr slope = select(mined.gap(p, i) > 0.0f, scale(i), 0.0f);
        return select(j == p, slope, j == negative(p, i), -slope, 0.0f);
    });
}

void semi_hard_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& inputs,
                         Tensor64& out) {
    const BatchLoss64 in(inputs);
    const double margin = real(node.attributes, "margin");
    for (int i = 0; i < in.rows; ++i) {
        double sum = 0, farthest = -1e300;
        int positives = 0;
        for (int n = 0; n < in.rows; ++n)
            if (in.is_negative(i, n)) farthest = std::max(farthest, in.distance(i, n));
        for (int p = 0; p < in.rows; ++p) {
            if (!in.is_positive(i, p)) continue;
            double chosen = farthest;
            bool beyond = false;
            for (int n = 0; n < in.rows; ++n) {
                const double d = in.distance(i, n);
                if (!in.is_negative(i, n) || d <= in.distance(i, p)) continue;
                chosen = beyond ? std::min(chosen, d) : d;
                beyond = true;
            }
            sum += std::max(0.0, in.distance(i, p) - chosen + margin);
            ++positives;
        }
        out.data[static_cast<std::size_t>(i)] =
            positives && farthest > -1e300 ? sum / positives : 0;
    }
}

}  // namespace

Layer semi_hard_layer() {
    static const BatchLossOps ops("semi_hard", semi_hard_algorithm, semi_hard_grad_algorithm,
                                  semi_hard_reference);
    Layer layer = batch_loss_layer(
        ops, "batch: each positive against the nearest negative beyond it, as triplet");
    layer.attributes = {{"margin",
                         AttributeType::real,
                         1.0,
                         0,
                         "how much nearer the positive has to be",
                         any_integer,
                         {1.0, 0.05}}};
    return layer;
}

}  // namespace siamc::compiler
