// The optimisers' update of the flat parameter buffer, as Halide generators. Each formula covers
// both Keras' and PyTorch's semantics; hyper-parameters choose (see
// docs/optimizers.md).
#pragma once

#include <Halide.h>

#include <string>
#include <vector>

#include "abi/siamc/siamc.h"

namespace siamc {

struct OptimizerRule {
    std::string name;
    int moments;
    std::vector<std::string> hyper;  // names of hyper[0..], for the manifest
    std::string formula;             // for the header's comment
    // How each follows from rate and step, in Keras' and in PyTorch's semantics.
    std::vector<siamc_hyper_rule> keras, pytorch;
};

const std::vector<OptimizerRule>& optimizer_rules();
// What every optimiser does with statistics: takes off them what the gradient says.
const OptimizerRule& statistics_rule();

// The update of `floats` consecutive parameters, a multiple of 16. Arguments of the function:
// parameters, gradient, moments, hyper, then the new parameters and moments, which may be (and in
// a program are) the same memory as the old ones.
Halide::Module generate_optimizer(const OptimizerRule& rule, int floats,
                                  const Halide::GeneratorContext& context,
                                  const std::string& function_name);

}  // namespace siamc
