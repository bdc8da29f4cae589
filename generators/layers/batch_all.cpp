// batch_all: of each image i the mean over all its triplets, of a positive p and a negative n each,
// of max(0, D(i, p) - D(i, n) + margin) (Hermans, Beyer and Leibe 2017). With active = true the
// mean over those that are not 0: theirs is one mean over the triplets of all images of the batch,
// so an image with few of them weighs less there. An image without a positive or a negative costs
// nothing.
#include <algorithm>

#include "layers/each_positive.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

bool only_active(const Node& node) {
    return std::get<bool>(node.attributes.at("active"));
}

struct AllTriplets {
    explicit AllTriplets(const AlgorithmContext& context)
        : batch(context),
          each(batch),
          margin(static_cast<float>(real(context.node.attributes, "margin"))) {
        count = only_active(context.node) ? each.total("active", numbers("active_of_positive"))
                                          : all_triplets();
    }
    AllTriplets(const AllTriplets&) = delete;  // its functions refer to it
    AllTriplets& operator=(const AllTriplets&) = delete;

    // What the triplet lacks, if positive.
    Expr gap(const Expr& n, const Expr& p, const Expr& i) const {
        return batch.distance(p, i) - batch.distance(n, i) + margin;
    }
    Expr is_active(const Expr& n, const Expr& p, const Expr& i) const {
        return batch.is_negative(n, i) && gap(n, p, i) > 0.0f;
    }
    // Of a positive, how many of its triplets are active: for one sum of positives.
    BatchLoss::OfPair numbers(const std::string& name) const {
        const Func active = each.sum(name, [&](const Expr& n, const Expr& p, const Expr& i) {
            return select(is_active(n, p, i), 1.0f, 0.0f);
        });
        return [active](const Expr& p, const Expr& i) { return active(p, i); };
    }
    Func all_triplets() const {
        const Func positives = each.count("positives");
        const Func negatives = batch.sum(
            "negatives", [&](const Expr& j, const Expr& i) { return batch.is_negative(j, i); },
            [](const Expr&, const Expr&) { return Expr(1.0f); });
        Var row("row");
        Func out("triplets");
        out(row) = positives(row) * negatives(row);
        return out;
    }

    BatchLoss batch;
    EachPositive each;
    float margin;
    Func count;  // that the mean is over
};

Func batch_all_algorithm(const AlgorithmContext& context) {
    const AllTriplets triplets(context);
    const Func of_positive =
        triplets.each.sum("cost_of_positive", [&](const Expr& n, const Expr& p, const Expr& i) {
            return select(triplets.batch.is_negative(n, i), max(0.0f, triplets.gap(n, p, i)), 0.0f);
        });
    const Func cost = triplets.each.total(
        "cost", [&](const Expr& p, const Expr& i) { return of_positive(p, i); });
    Var row("row");
    Func out("batch_all");
    out(row) = cost(row) / max(triplets.count(row), 1.0f);
    return out;
}

// Each active triplet draws its positive nearer and pushes its negative away.
Func batch_all_grad_algorithm(const AlgorithmContext& context) {
    const AllTriplets triplets(context);
    Var row("row");
    Func scale("scale");
    scale(row) = triplets.batch.adjoint(row) / max(triplets.count(row), 1.0f);
    const BatchLoss::OfPair active = triplets.numbers("active_triplets");
    return triplets.each.spread("batch_all_grad", [&](const Expr& j, const Expr& p, const Expr& i) {
        return select(j == p, active(p, i) * scale(i), triplets.is_active(j, p, i), -scale(i),
                      0.0f);
    });
}

void batch_all_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& inputs,
                         Tensor64& out) {
    const BatchLoss64 in(inputs);
    const double margin = real(node.attributes, "margin");
    for (int i = 0; i < in.rows; ++i) {
        double sum = 0, all = 0, active = 0;
        for (int p = 0; p < in.rows; ++p)
            for (int n = 0; n < in.rows; ++n) {
                if (!in.is_positive(i, p) || !in.is_negative(i, n)) continue;
                const double gap = in.distance(i, p) - in.distance(i, n) + margin;
                sum += std::max(0.0, gap);
                all += 1;
                active += gap > 0;
            }
        const double among = only_active(node) ? active : all;
        out.data[static_cast<std::size_t>(i)] = among > 0 ? sum / among : 0;
    }
}

}  // namespace

Layer batch_all_layer() {
    static const BatchLossOps ops("batch_all", batch_all_algorithm, batch_all_grad_algorithm,
                                  batch_all_reference);
    Layer layer = batch_loss_layer(
        ops, "batch: every positive of an image against every negative, as triplet");
    layer.attributes = {
        {"margin", AttributeType::real, 1.0, 0, "how much nearer the positive has to be"},
        {"active", AttributeType::boolean, false, 0,
         "the mean over triplets that cost something, not over all"}};
    return layer;
}

}  // namespace siamc::compiler
