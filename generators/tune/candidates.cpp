#include "tune/candidates.h"

#include "layers/active.h"
#include "layers/pairwise.h"
#include "layers/winograd.h"
#include "schedules/vectors.h"

namespace siamc::compiler {

namespace {

// A tile may ask for more registers than there are: a few spilled ones can be worth it.
constexpr int most_tried_accumulators = 32;

const Node& first_node(const KernelTask& task) {
    return (*task.graph)[task.kernel->nodes[0]];
}

bool has_tile(const KernelTask& task) {
    const Pattern pattern = task.kernel->pattern;
    const Node& first = first_node(task);
    const bool skips = first.attributes.count(skips_zeros) || first.attributes.count(skips_columns);
    if (skips || first.shape.dims.empty()) return false;
    return (pattern == Pattern::matmul && !task.single_row) || pattern == Pattern::convolution ||
           pattern == Pattern::scatter ||
           (pattern == Pattern::batch_sum && first.shape.dims.size() == 2) ||
           (pattern == Pattern::slice_sum && first.shape.dims.size() == 4);
}

// Results of a line that a convolution's tile can hold, Winograd tiles at once, or rows of a weight
// gradient's chunk.
std::vector<int> widths(const KernelTask& task) {
    const std::vector<int>& result = task.operands.back().extent;
    if (task.kernel->pattern == Pattern::batch_sum) return {8, 16, 32, 64, 128};
    if (first_node(task).op == &winograd_op()) return {2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 16, 18};
    if (task.kernel->pattern != Pattern::convolution) return {0};
    std::vector<int> divisors;
    for (int w = 1; w <= std::min(result[1], 12); ++w)
        if (result[1] % w == 0) divisors.push_back(w);
    return divisors;
}

}  // namespace

std::vector<ScheduleParameters> candidates(const KernelTask& task, const Halide::Target& target) {
    std::vector<ScheduleParameters> all = {{}};
    if (!has_tile(task)) return all;
    const Vectors registers(target);
    const int units = task.operands.back().extent[0], width = registers.tile_width(units);
    for (int vectors = 1; vectors <= 8; ++vectors)
        for (const int wide : widths(task)) {
            if (vectors_in(units, width) % vectors != 0) continue;
            const bool pixels = task.kernel->pattern == Pattern::convolution;
            if (pixels && vectors * wide > most_tried_accumulators) continue;
            all.push_back({vectors, wide});
        }
    return all;
}

}  // namespace siamc::compiler
