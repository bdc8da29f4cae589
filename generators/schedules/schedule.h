// How kernels are scheduled. The algorithms come from layers/; nothing here changes what is
// computed. One file per target family.
#pragma once

#include <Halide.h>

#include <optional>
#include <string>
#include <vector>

#include "layers/op.h"
#include "layers/roles.h"
#include "layers/winograd.h"
#include "schedules/parameters.h"
#include "schedules/vectors.h"

namespace siamc::compiler {

// The parts of a kernel that a schedule places.
struct KernelFuncs {
    Pattern pattern;
    std::vector<Halide::Func> values;      // one per node of the kernel, in topological order
    std::vector<Pattern> patterns;         // of each value
    std::vector<Halide::Func> factors;     // the first two inputs of the first node
    int pool_window = 1, pool_stride = 1;  // of the pooling behind a convolution
    int stride = 1;                        // of a convolution's window
    int dilation = 1, groups = 1;          // pixels between those of the window; of channels
    int channels = 0;                      // that a filter of a convolution sees; of others, dim 0
    bool reads_its_like = false;           // a sum over the batch: an input of the result's shape
    std::vector<int> taps = {1, 1};        // width and height of a convolution's kernel
    WinogradForm winograd;                 // where one computes by tiles
    std::vector<Halide::Func> outputs;     // pure copies of some of the values, indexed alike
    std::vector<std::vector<int>> dims;    // of each output: extents without rows
    int rows_together = 1;                 // of the outputs: those that come of one tuple
    bool single_row = false;               // rows are few: register tiles have one
    ScheduleParameters tile;               // what was measured to be best; 0: the schedule's rule
};

// Rows come in multiples of this (unless single_row): the height of every register tile.
constexpr int row_quantum = 4;

// ... and on GPUs of this: the height of a block's tile.
constexpr int gpu_row_quantum = 32;

// The most rows that a kernel of Stage::slices is ever called with.
constexpr int most_slice_rows = 48;

// A temporary on the stack may be this large; Halide takes larger ones from the heap.
constexpr int most_stack_bytes = 16384;

// Schedules every Func of the kernel for the target.
void schedule(KernelFuncs& kernel, const Halide::Target& target);

// Every stage in loops of its own, no vectors: what the others are measured against.
void schedule_naive(KernelFuncs& kernel);

void schedule_cpu(KernelFuncs& kernel, const Halide::Target& target);
// Kernels with one output.
void schedule_gpu(KernelFuncs& kernel);
// What schedule_cpu leaves to them: products and sums over the batch; rows that are neither;
// convolutions, pooling and their gradients.
void schedule_product(KernelFuncs& kernel, const Halide::Target& target);
void schedule_rows(KernelFuncs& kernel, const Halide::Target& target);
void schedule_convolution(KernelFuncs& kernel, const Halide::Target& target);
void schedule_winograd(KernelFuncs& kernel, const Vectors& registers);

// Every Func that the outputs need, producers first, without the inputs' wrappers.
std::vector<Halide::Func> all_funcs(const KernelFuncs& kernel);

// The Func of that role, if the kernel has one.
std::optional<Halide::Func> find(const KernelFuncs& kernel, Role role);

// Sums of a row in up to four vectors of partial sums, so that additions overlap.
void vector_sum(Halide::Func& func, const Halide::LoopLevel& at, const Vectors& registers);

// Whether it only shows an input, or picked rows of it, under other indices. Such a Func is always
// recomputed where it is used: an index that is itself read from memory has no bounds.
bool is_view(const Halide::Func& func);

}  // namespace siamc::compiler
