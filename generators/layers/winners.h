// Which pixel of each pooling window won, and what gradients make of it: the gradient of a pooled
// image is 0 at every pixel but the winners, and need never be written out.
#pragma once

#include "layers/op.h"

namespace siamc {

// (winner, adjoint) -> of the image that was pooled; attributes of the pooling node, and "dims",
// the image's.
const Op& unpool_op();

}  // namespace siamc
