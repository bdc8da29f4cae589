// Sums over all images of the batch that each image sees: what a loss or layer knows of the others
// without looking at them one by one.
#pragma once

#include "layers/op.h"

namespace siamc::compiler {

// (one line of numbers an image) -> for each image, their sum over the batch. Images that pad the
// batch count too: what they have must be 0. A slice adds up its images, and in the next phase each
// slice adds up what all have, in their order.
Edge batch_total(Graph& graph, Edge value);

// The slices' sums that `total`, a batch_total, adds up.
Edge slices_of_total(const Graph& graph, Edge total);

}  // namespace siamc::compiler
