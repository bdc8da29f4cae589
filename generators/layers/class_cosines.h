// What losses share that have a trained direction for each class.
#pragma once

#include <string>

#include "layers/op.h"

namespace siamc::compiler {

// (embedding, ...) -> [classes] per image: the cosines between the embedding and each column of the
// parameter "LOSS.kernel", embedding x classes. An embedding that is all zero has cosine 0 with
// everything, and gradient 0; so has a column. Of a loss with the attribute classes_attribute.
Edge class_cosines(Graph& graph, const LayerUse& use, const std::string& loss);

AttributeRule classes_rule();

}  // namespace siamc::compiler
