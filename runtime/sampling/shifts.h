// Augmentation: random shifts of training images.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sampling/random.h"

namespace siamc {

// Pixels right and down, [-most, most], for each of the rows of images that tuples of `branches`
// show (interleaved as the samplers give them): two a row. An anchor that is also that of the tuple
// before is moved alike, so that a step computes it once.
void draw_shifts(std::span<const std::int32_t> rows, int branches, int most, Random random,
                 std::vector<std::int32_t>& shifts);

}  // namespace siamc
