// What losses over the whole batch share: an image's row of the matrix of distances, and which of
// the others are of its class.
#pragma once

#include "layers/structural.h"

namespace siamc::compiler {

// What such a loss's Layer::build gets, in this order: the matrix of distances (pairwise.h), each
// image's class, the classes of the batch, each image's ordinal; behind them what a loss adds. Its
// result is one number an image.
// Images that pad the batch have class -1: they are nobody's other, and weigh nothing themselves.

// The operations of a loss: itself, and the adjoint of the matrix, from the same inputs and the
// result's adjoint. Graphs point at them, so each loss has one, for the program's lifetime. The
// loss throws std::logic_error unless it has those inputs.
struct BatchLossOps {
    using Algorithm = Halide::Func (*)(const AlgorithmContext&);
    using Reference = void (*)(const Graph&, const Node&, const std::vector<const Tensor64*>&,
                               Tensor64&);
    BatchLossOps(const std::string& name, Algorithm algorithm, Algorithm grad_algorithm,
                 Reference reference);
    BatchLossOps(const BatchLossOps&) = delete;
    BatchLossOps& operator=(const BatchLossOps&) = delete;

    const Op grad, loss;
};

// The loss as a layer, still without attributes.
Layer batch_loss_layer(const BatchLossOps& ops, const std::string& summary);

// As algorithms see them.
class BatchLoss {
  public:
    explicit BatchLoss(const AlgorithmContext& context);

    Halide::Expr distance(const Halide::Expr& j, const Halide::Expr& row) const;
    // Another image of the row's class; an image of another class.
    Halide::Expr is_positive(const Halide::Expr& j, const Halide::Expr& row) const;
    Halide::Expr is_negative(const Halide::Expr& j, const Halide::Expr& row) const;
    Halide::Expr is_other(const Halide::Expr& j, const Halide::Expr& row) const {
        return is_positive(j, row) || is_negative(j, row);
    }
    Halide::Expr images() const { return context_.batch_rows; }
    // The loss's adjoint, in its gradient.
    Halide::Expr adjoint(const Halide::Expr& row) const { return context_.inputs.back()(row); }

    // Over the images j with `among`: the largest and the smallest of `value`, -+`none` where there
    // are none; the first j whose value is `sought`.
    using OfPair = std::function<Halide::Expr(const Halide::Expr& j, const Halide::Expr& row)>;
    Halide::Func largest(const std::string& name, const OfPair& among, const OfPair& value) const;
    Halide::Func smallest(const std::string& name, const OfPair& among, const OfPair& value) const;
    Halide::Func first(const std::string& name, const OfPair& among) const;
    Halide::Func sum(const std::string& name, const OfPair& among, const OfPair& value) const;

    static constexpr float none = 1e30f;

  private:
    const AlgorithmContext& context_;
};

// The same in double, for references. `rows` images, `images` columns.
struct BatchLoss64 {
    explicit BatchLoss64(const std::vector<const Tensor64*>& inputs);
    double distance(int i, int j) const {
        return matrix[static_cast<std::size_t>(i * columns + j)];
    }
    bool is_positive(int i, int j) const { return i != j && same(i, j); }
    bool is_negative(int i, int j) const { return classes[at(j)] >= 0 && !same(i, j); }

    const std::vector<double>&matrix, &classes;
    int rows, columns;

  private:
    static std::size_t at(int i) { return static_cast<std::size_t>(i); }
    bool same(int i, int j) const {
        return classes[at(j)] >= 0 && classes[at(i)] == classes[at(j)];
    }
};

}  // namespace siamc::compiler
