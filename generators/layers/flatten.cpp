// flatten: the same numbers as one line.
#include "layers/structural.h"

namespace siamc::compiler {

Layer flatten_layer() {
    Layer layer{"flatten", LayerKind::layer, "the same numbers as one line; costs nothing"};
    layer.build = [](Graph& graph, const LayerUse& use) {
        const auto size = static_cast<int>(graph.shape_of(use.inputs[0]).size());
        return reshape(graph, use.inputs[0], {size}, use.name, use.location);
    };
    return layer;
}

}  // namespace siamc::compiler
