// Fully connected layers, to passes that replace what they compute.
#pragma once

#include "layers/op.h"

namespace siamc::compiler {

// (x, kernel [units inputs][, bias]) -> [units].
const Op& dense_op();

// (adjoint, kernel [units inputs]) -> the gradient of x, of the kernel as it is stored: sums run
// along its lines.
const Op& dense_grad_input_op();

}  // namespace siamc::compiler
