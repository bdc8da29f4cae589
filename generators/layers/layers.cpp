#include <algorithm>

#include "layers/op.h"

namespace siamc::compiler {

#define SIAMC_LAYER(name) Layer name##_layer();
#include "layers/layers.def"
#undef SIAMC_LAYER

const std::vector<Layer>& all_layers() {
    static const std::vector<Layer> layers = {
#define SIAMC_LAYER(name) name##_layer(),
#include "layers/layers.def"
#undef SIAMC_LAYER
    };
    return layers;
}

const Layer* find_layer(const std::string& name, LayerKind kind) {
    auto found = std::find_if(all_layers().begin(), all_layers().end(), [&](const Layer& layer) {
        return layer.name == name && layer.kind == kind;
    });
    return found == all_layers().end() ? nullptr : &*found;
}

}  // namespace siamc::compiler
