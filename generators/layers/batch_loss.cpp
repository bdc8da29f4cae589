#include "layers/batch_loss.h"

#include <stdexcept>

#include "layers/pairwise.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

Shape batch_loss_shape(const Graph& graph, const Node& node) {
    if (node.inputs.size() < 4 || graph.shape_of(node.inputs[0]).dims.size() != 1)
        throw std::logic_error(node.name + ": a loss over the batch reads a matrix and classes");
    return graph.shape_of(node.inputs[1]);
}

std::vector<Edge> batch_loss_gradient(Graph& graph, NodeId self, Edge adjoint, const Op& grad) {
    const Node node = graph[self];
    std::vector<Edge> inputs = node.inputs;
    inputs.push_back(adjoint);
    std::vector<Edge> gradients(node.inputs.size());
    gradients[0] = add_for(graph, node, grad, ".grad", inputs, node.attributes);
    return gradients;
}

}  // namespace

BatchLossOps::BatchLossOps(const std::string& name, Algorithm algorithm, Algorithm grad_algorithm,
                           Reference reference)
    : grad{name + ".grad", Pattern::rowwise, shape_of_first, grad_algorithm},
      loss{name,
           Pattern::rowwise,
           batch_loss_shape,
           algorithm,
           [this](Graph& graph, NodeId self, Edge adjoint) {
               return batch_loss_gradient(graph, self, adjoint, grad);
           },
           reference} {}

Layer batch_loss_layer(const BatchLossOps& ops, const std::string& summary) {
    Layer layer{ops.loss.name, LayerKind::loss, summary};
    layer.sees = Sees::batch;
    layer.build = [&ops](Graph& graph, const LayerUse& use) {
        return Edge{graph.add({&ops.loss, use.name, use.inputs, use.attributes, {}, use.location})};
    };
    return layer;
}

BatchLoss::BatchLoss(const AlgorithmContext& context) : context_(context) {}

Expr BatchLoss::distance(const Expr& j, const Expr& row) const {
    return context_.inputs[0](j, row);
}

Expr BatchLoss::is_positive(const Expr& j, const Expr& row) const {
    const auto& in = context_.inputs;
    return in[2](j) == in[1](row) && j != row_in_batch(context_, in[3], row);
}

Expr BatchLoss::is_negative(const Expr& j, const Expr& row) const {
    const auto& in = context_.inputs;
    return in[2](j) >= 0.0f && in[2](j) != in[1](row);
}

Func BatchLoss::largest(const std::string& name, const OfPair& among, const OfPair& value) const {
    Var row("row");
    RDom j(0, images(), "j");
    Func out(name);
    out(row) = -none;
    out(row) = max(out(row), select(among(j, row), value(j, row), -none));
    return out;
}

Func BatchLoss::smallest(const std::string& name, const OfPair& among, const OfPair& value) const {
    Var row("row");
    RDom j(0, images(), "j");
    Func out(name);
    out(row) = none;
    out(row) = min(out(row), select(among(j, row), value(j, row), none));
    return out;
}

Func BatchLoss::first(const std::string& name, const OfPair& among) const {
    Var row("row");
    RDom j(0, images(), "j");
    Func out(name);
    out(row) = images();
    out(row) = min(out(row), select(among(j, row), Expr(j), images()));
    return out;
}

Func BatchLoss::sum(const std::string& name, const OfPair& among, const OfPair& value) const {
    Var row("row");
    RDom j(0, images(), "j");
    Func out(name);
    out(row) = 0.0f;
    out(row) += select(among(j, row), value(j, row), 0.0f);
    return out;
}

BatchLoss64::BatchLoss64(const std::vector<const Tensor64*>& inputs)
    : matrix(inputs[0]->data),
      classes(inputs[2]->data),
      rows(inputs[0]->rows),
      columns(inputs[0]->shape.dims[0]) {}

}  // namespace siamc::compiler
