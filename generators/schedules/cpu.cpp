// Schedules for CPUs with vectors: x86 (SSE4.1, AVX2, AVX-512) and NEON. Here those of single
// numbers and of parameters; the others have files of their own.
#include <algorithm>
#include <functional>
#include <numeric>

#include "schedules/schedule.h"
#include "schedules/vectors.h"

namespace siamc::compiler {

using Halide::Func;
using Halide::MemoryType;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Target;
using Halide::Var;

namespace {

// The bordered image of gather is made row by row, or line by line if it does not fit the
// stack.
void elementwise(KernelFuncs& kernel, const Target& target) {
    const Vectors registers(target);
    if (kernel.dims[0].empty())
        return schedule_rows(kernel, target);  // one value a row: a loss on its own
    Func& out = kernel.outputs[0];
    const Var c = out.args()[0], row = out.args().back();
    const int extent = kernel.dims[0][0];
    registers.channels(out, c, extent);
    for (Func& func : all_funcs(kernel)) {
        if (!has_role(func, Role::bordered)) continue;
        const RVar stored = func.rvars()[0];
        const std::vector<int>& dims = kernel.dims[0];  // of bytes, with borders twice as wide
        const bool fits =
            std::accumulate(dims.begin(), dims.end(), 3L, std::multiplies<>()) <= most_stack_bytes;
        func.compute_at(out, fits ? row : out.args()[dims.size() - 1])
            .store_in(MemoryType::Stack)
            .vectorize(func.args()[0], 4 * registers.lanes);
        if (extent <= 4 * registers.lanes)
            func.update().vectorize(stored, extent);
        else
            func.update().vectorize(stored, registers.lanes);
    }
}

// Sums down a parameter's columns, for all of them before the rest: side by side, so that the
// parameter is read line by line. False if there are none.
bool sums_columns(KernelFuncs& kernel, const Vectors& registers) {
    bool any = false;
    for (Func& func : all_funcs(kernel)) {
        if (func.args().size() != 1 || !func.has_update_definition()) continue;
        const Var n = func.args()[0];
        func.compute_root();
        func.update().reorder(n, func.rvars()[0]);
        func.update().vectorize(n, registers.lanes, TailStrategy::GuardWithIf);
        any = true;
    }
    return any;
}

// Square blocks go through registers, rows in, columns out; the last of a line does again what the
// one before has done.
void transpose(KernelFuncs& kernel, const Vectors& registers) {
    Func out = kernel.outputs[0], in = kernel.factors[0];
    if (find(kernel, Role::winograd_kernel)) {
        const auto args = out.args();  // lane, c, u, v, block
        registers.channels(out, args[0], kernel.dims[0][0]);
        out.unroll(args[2]).unroll(args[3]).reorder(args[0], args[2], args[3], args[1]);
        return;
    }
    if (find(kernel, Role::each_parameter))
        return registers.channels(out, out.args()[0], kernel.dims[0][0]);
    if (sums_columns(kernel, registers))
        return registers.channels(out, out.args()[0], kernel.dims[0][0]);
    const int least = std::min(kernel.dims[0][0], kernel.dims[0][1]);
    int width = registers.lanes;
    while (width > 4 && width > least) width /= 2;
    if (width > least) return;
    const Var c = out.args()[0], r = out.args()[1];
    Var co("co"), ro("ro"), ci("ci"), ri("ri");
    out.tile(c, r, co, ro, ci, ri, width, width, TailStrategy::ShiftInwards)
        .vectorize(ci)
        .unroll(ri);
    in.compute_at(out, co).vectorize(in.args()[0]).unroll(in.args()[1]);
}

}  // namespace

void schedule_cpu(KernelFuncs& kernel, const Target& target) {
    switch (kernel.pattern) {
        case Pattern::matmul:
        case Pattern::pairwise:
        case Pattern::batch_sum:
            return schedule_product(kernel, target);
        case Pattern::parameter:
            return transpose(kernel, Vectors(target));
        case Pattern::elementwise:
            return elementwise(kernel, target);
        case Pattern::rowwise:
            return schedule_rows(kernel, target);
        default:
            return schedule_convolution(kernel, target);
    }
}

}  // namespace siamc::compiler
