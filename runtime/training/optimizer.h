// The state of an optimiser and its step on a model's flat buffers.
#pragma once

#include <string>
#include <vector>

#include "core/model.h"

namespace siamc {

// The names of core/optimizers.def, in its order.
const std::vector<std::string>& known_optimizers();

// Whose meaning of the optimisers' names holds; see docs/optimizers.md.
enum class Semantics { keras, pytorch };

// usage unless it is "keras" or "pytorch".
Semantics parse_semantics(const std::string& text);

// What the generated update reads in step `step` (from 1) at that learning rate. Adam: beta1 0.9,
// beta2 0.999; RMSprop: rho 0.9 (PyTorch: 0.99); SGD: momentum 0.9.
HyperParameters hyper_parameters(const siamc_optimizer& optimizer, Semantics semantics, double rate,
                                 long step);

class Optimizer {
  public:
    Optimizer(const Model& model, const std::string& name, Semantics semantics);

    // The next step, for Model::step to take.
    Update next(double rate);
    // Moves the parameters by one step against the gradient.
    void step(FloatBuffer& parameters, const FloatBuffer& gradient, double rate);
    long steps() const { return steps_; }

  private:
    const siamc_optimizer& tables_;
    Semantics semantics_;
    std::vector<FloatBuffer> moments_;
    long steps_ = 0;
};

}  // namespace siamc
