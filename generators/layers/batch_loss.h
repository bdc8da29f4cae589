// What losses over the whole batch share: an image's row of the matrix of distances, and which of
// the others are of its class.
#pragma once

#include "layers/structural.h"

namespace siamc {

// What such a loss's Layer::build gets, in this order: the matrix of distances (pairwise.h), each
// image's class, the classes of the batch, each image's ordinal. Its result is one number an image.
// Images that pad the batch have class -1: they are nobody's other, and weigh nothing themselves.

// The shape of the result; throws std::logic_error unless there are those inputs.
Shape batch_loss_shape(const Graph& graph, const Node& node);

// Nodes of a loss: `op` with the inputs of `use`, its attributes, and the adjoints of them all,
// where the matrix alone has one, by `grad` of the same inputs and the result's adjoint.
Edge add_batch_loss(Graph& graph, const LayerUse& use, const Op& op);
std::vector<Edge> batch_loss_gradient(Graph& graph, NodeId self, Edge adjoint, const Op& grad);

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
    Halide::Expr adjoint(const Halide::Expr& row) const { return context_.inputs.at(4)(row); }

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

}  // namespace siamc
