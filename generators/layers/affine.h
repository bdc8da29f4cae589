// Each channel times a trained number, and plus another: what normalisations end with.
#pragma once

#include "layers/op.h"

namespace siamc::compiler {

// value(c, ...) * gamma(c) + beta(c), with parameters NAME.gamma, which starts as 1,
// and NAME.beta, which starts as 0.
Edge affine(Graph& graph, const LayerUse& use, Edge value);

// Those parameters.
struct AffineParameters {
    Edge gamma, beta;
};
AffineParameters affine_parameters(Graph& graph, const LayerUse& use, long channels);

// (value, factors[, offsets]): value(c, ...) * factors(c) + offsets(c).
const Op& affine_op();
// That operation, one factor and perhaps one offset a channel.
Edge scaled(Graph& graph, const LayerUse& use, const std::vector<Edge>& inputs);

}  // namespace siamc::compiler
