// Sums that leave out what is zero anyway. Images of writing are mostly background: of MNIST's
// pixels 19 % are not 0, and of groups of four neighbours 28 % have one that is not.
#pragma once

#include "layers/op.h"

namespace siamc::compiler {

// Neighbouring inputs that are skipped together: as many as a weight gradient's register tile has
// rows, and enough to make up for the list that says where they are.
constexpr int zero_group = 4;

// The most of which a kernel lists the active ones: ranks and places of that many fit the stack.
constexpr int most_listed = 2000;

// (x) -> uint8 [inputs / zero_group]: in which rows of the row's register tile one of the group is
// not 0; bit r stands for the tile's row r. Input sizes that are no multiple of zero_group are an
// error.
const Op& activity_op();

// The last input of a node whose sums skip groups of zeros is the activity of its first input;
// such a node has this attribute.
constexpr const char* skips_zeros = "skips_zeros";

// Inputs but for the activity.
inline std::size_t own_inputs(const Node& node) {
    return node.inputs.size() - node.attributes.count(skips_zeros);
}

// Some of the numbers 0 .. size - 1 for each t: places(0 .. counts(t) - 1, t), ascending.
struct ActiveList {
    Halide::Func places, counts;
};

// Where flags(j, t) is not 0. Schedules find the Funcs as active_ranks and active_places.
ActiveList active_list(const Halide::Func& flags, int size);

// The rows whose bits are set in masks(tile, t), of `tiles` tiles of `tall` rows.
ActiveList active_rows(const Halide::Func& masks, const Halide::Expr& tiles, int tall);

}  // namespace siamc::compiler
