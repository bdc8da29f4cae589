// flatten: the same numbers as one line.
#include "layers/structural.h"

namespace siamc {

namespace {

const Op& flatten_op();

Shape flatten_shape(const Graph& graph, const Node& node) {
    const Shape in = graph.shape_of(node.inputs[0]);
    return {{static_cast<int>(in.size())}, in.rows};
}

// The way back: attribute "dims".
const Op& unflatten_op() {
    static const Op op = {
        "flatten.grad", Pattern::view, [](const Graph& graph, const Node& node) {
            const auto& dims = std::get<std::vector<long>>(node.attributes.at("dims"));
            return Shape{{dims.begin(), dims.end()}, graph.shape_of(node.inputs[0]).rows};
        }};
    return op;
}

std::vector<Edge> flatten_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Shape in = graph.shape_of(graph[self].inputs[0]);
    const std::vector<long> dims(in.dims.begin(), in.dims.end());
    return {{graph.add({&unflatten_op(),
                        graph[self].name + ".grad",
                        {adjoint},
                        {{"dims", dims}},
                        {},
                        graph[self].location})}};
}

const Op& flatten_op() {
    static const Op op = {"flatten",
                          Pattern::view,
                          flatten_shape,
                          {},
                          flatten_gradient,
                          [](const Graph&, const Node&, const std::vector<const Tensor64*>& in,
                             Tensor64& out) { out.data = in[0]->data; }};
    return op;
}

}  // namespace

Layer flatten_layer() {
    Layer layer{"flatten", LayerKind::layer, "the same numbers as one line; costs nothing"};
    layer.build = [](Graph& graph, const LayerUse& use) {
        return Edge{graph.add({&flatten_op(), use.name, use.inputs, {}, {}, use.location})};
    };
    return layer;
}

}  // namespace siamc
