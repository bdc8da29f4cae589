// What an optimiser is to the compiler: one file that defines its rule, and one line in
// runtime/core/optimizers.def.
#pragma once

#include <Halide.h>

#include <functional>
#include <string>
#include <vector>

#include "abi/siamc/siamc.h"

namespace siamc::compiler {

// A parameter's number in a step: itself, its gradient, its moments, and the hyper-parameters.
struct OptimizerState {
    Halide::Expr parameter, gradient;
    std::vector<Halide::Expr> moments, hyper;
};

// One formula covers both Keras' and PyTorch's semantics; hyper-parameters choose (see
// docs/optimizers.md).
struct OptimizerRule {
    std::string name;
    int moments;
    std::vector<std::string> hyper;  // names of hyper[0..], for the manifest
    std::string formula;             // for the header's comment
    // How each follows from rate and step, in Keras' and in PyTorch's semantics.
    std::vector<siamc_hyper_rule> keras, pytorch;
    // The new parameter, then the new moments.
    std::function<std::vector<Halide::Expr>(const OptimizerState&)> step;
};

// A constant, and a multiple of the rate.
constexpr siamc_hyper_rule fixed(double value) {
    return {value, 0, 0, 0, 0, 0, 0};
}
constexpr siamc_hyper_rule rate_times(double value) {
    return {value, 0, 0, 1, 0, 0, 0};
}

// The rules, one a file.
#define SIAMC_OPTIMIZER(name) OptimizerRule name##_optimizer();
#include "core/optimizers.def"
#undef SIAMC_OPTIMIZER

}  // namespace siamc::compiler
