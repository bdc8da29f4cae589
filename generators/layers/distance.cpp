#include "layers/distance.h"

#include "frontend/model_spec.h"

namespace siamc::compiler {

Shape distance_shape(const Graph& graph, const Node& node) {
    const Shape a = graph.shape_of(node.inputs[0]), b = graph.shape_of(node.inputs[1]);
    if (!(a == b) || a.dims.size() != 1)
        throw ModelError(node.location,
                         "no distance between " + to_string(a) + " and " + to_string(b),
                         "a distance compares two embeddings of one length",
                         "a last layer that gives one line of numbers, as dense or flatten do");
    return {{}, Rows::tuple};
}

Halide::Func squared_distance(const Halide::Func& a, const Halide::Func& b, int size) {
    Halide::Var c("c"), row("row");
    Halide::Func difference("difference");
    difference(c, row) = a(c, row) - b(c, row);
    return dot(difference, difference, size, "squared_distance");
}

Layer distance_layer(const std::string& name, const std::string& help, const Op& op) {
    Layer layer{name, LayerKind::distance, help};
    layer.build = [&op](Graph& graph, const LayerUse& use) {
        return Edge{graph.add({&op, use.name, use.inputs, {}, {}, use.location})};
    };
    return layer;
}

}  // namespace siamc::compiler
