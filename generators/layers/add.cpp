// add: what the layer in front gives, plus what an earlier one gave: the shortcut of residual
// networks (He et al. 2015).
#include "frontend/model_spec.h"
#include "layers/structural.h"

namespace siamc::compiler {

const Op& add_op() {
    static const Op op = {
        "add",
        Pattern::elementwise,
        shape_of_first,
        [](const AlgorithmContext& context) {
            const auto vars = index_vars(context.node.shape);
            Halide::Func out("add");
            out(vars) = context.inputs[0](vars) + context.inputs[1](vars);
            return out;
        },
        [](Graph&, NodeId, Edge adjoint) -> std::vector<Edge> {
            return {adjoint, adjoint};
        },
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            for (size_t i = 0; i < out.data.size(); ++i)
                out.data[i] = in[0]->data[i] + in[1]->data[i];
        }};
    return op;
}

Layer add_layer() {
    Layer layer{"add", LayerKind::layer, "adds what an earlier layer gave, of the same shape"};
    AttributeRule with{"with", AttributeType::text, std::nullopt, 0,
                       "that layer: its type and number, \"conv2d1\", or \"input\""};
    with.samples = {std::string("y")};
    layer.attributes = {with};
    layer.second_input = "with";
    layer.build = [](Graph& graph, const LayerUse& use) {
        const Shape first = graph.shape_of(use.inputs[0]), second = graph.shape_of(use.inputs[1]);
        if (first != second)
            throw ModelError(use.location,
                             "add cannot add " + to_string(second) + " to " + to_string(first),
                             "their shapes differ", "a layer of the same shape");
        return Edge{graph.add({&add_op(), use.name, use.inputs, {}, {}, use.location})};
    };
    return layer;
}

}  // namespace siamc::compiler
