// Sums that leave out what is zero anyway. Images of writing are mostly background: of MNIST's
// pixels 19 % are not 0, and of groups of four neighbours 28 % have one that is not.
#pragma once

#include "layers/op.h"

namespace siamc {

// Neighbouring inputs that are skipped together: as many as a weight gradient's register tile has
// rows, and enough to make up for the list that says where they are.
constexpr int zero_group = 4;

// (x) -> uint8 [inputs / zero_group]: 1 where one of the group is not 0. Input sizes that are no
// multiple of zero_group are an error.
const Op& activity_op();

// The last input of a node whose sums skip groups of zeros is the activity of its first input;
// such a node has this attribute.
constexpr const char* skips_zeros = "skips_zeros";

// Where flags(j, t) is not 0 for j in 0 .. size - 1: places(0 .. counts(t) - 1, t), ascending.
// The Funcs are named active_flags, active_ranks and active_places.
struct ActiveList {
    Halide::Func places, counts;
};
ActiveList active_list(const Halide::Func& flags, const Halide::Expr& size);

}  // namespace siamc
