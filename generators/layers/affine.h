// Each channel times a trained number, and plus another: what normalisations end with.
#pragma once

#include "layers/op.h"

namespace siamc {

// value(c, ...) * gamma(c) + beta(c), with parameters NAME.gamma, which starts as 1,
// and NAME.beta, which starts as 0.
Edge affine(Graph& graph, const LayerUse& use, Edge value);

// value(c, ...) * factors(c), one factor a channel.
Edge scaled(Graph& graph, const LayerUse& use, Edge value, Edge factors);

}  // namespace siamc
