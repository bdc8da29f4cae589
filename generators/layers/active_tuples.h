// A backward pass over active tuples alone: those whose loss has a gradient. What a hinge leaves
// without one has an adjoint of exactly 0 in all that leads to its images.
//
// The forward pass ends in a flag for each tuple. From the flags the executor makes, slice by
// slice, the lists below (siamc/internal/active.h); what comes after reads tuples and images
// through them and has rows for what is listed alone.
#pragma once

#include "layers/op.h"

namespace siamc::compiler {

// (adjoints of a tuple's distances) -> int32: whether one of them is not 0.
const Op& active_op();

// Lists that the executor makes; each depends on the flags that active_op() leaves.
const Op& active_tuples_op();    // of each active tuple: its place among the slice's tuples
const Op& active_places_op();    // [branches]: the active image that each branch shows
const Op& active_images_op();    // of each active image: its place among the slice's images
const Op& summed_images_op();    // of the active images of all slices: the row among all images
const Op& summed_adjoints_op();  // ... and the row of what the backward pass made of them

// (tensor, list) -> the rows that are listed.
const Op& listed_op();

// Attribute of a node that lists adjoints: those of a register tile lie side by side, so a sum that
// takes whole tiles looks up one row in each.
constexpr const char* lists_tiles = "tiles";

// (activity, active images) -> activity of the listed images (layers/active.h): what was in
// register tiles together no longer is.
const Op& listed_activity_op();

}  // namespace siamc::compiler
