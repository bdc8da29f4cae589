// What normalisations end with: each channel times a trained number, plus another.
#pragma once

#include "layers/op.h"

namespace siamc {

// value(c, ...) * gamma(c) + beta(c), with parameters NAME.gamma, which starts as 1
// (Model::initialize knows it by its name), and NAME.beta, which starts as 0.
Edge affine(Graph& graph, const LayerUse& use, Edge value);

}  // namespace siamc
