// Kernels that have numbers of a row, or of one row and another: losses, distances, normalisations.
#include <algorithm>
#include <optional>
#include <stdexcept>

#include "layers/pairwise.h"
#include "schedules/schedule.h"
#include "schedules/vectors.h"

namespace siamc::compiler {

using Halide::Func;
using Halide::LoopLevel;
using Halide::MemoryType;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Var;

namespace {

class RowSchedule {
  public:
    RowSchedule(KernelFuncs& kernel, const Halide::Target& target)
        : kernel_(kernel), registers_(target) {}

    // Per-row values (sums, norms, distances) are computed for the whole slice first; everything
    // with a value per channel is recomputed where it is used, but for sums, which a step of the
    // loop that adds them up makes for itself.
    void run() {
        const std::vector<Func> funcs = all_funcs(kernel_);
        for (Func func : funcs) {
            if (is_output(func) || is_view(func)) continue;
            const bool adds_up = func.has_update_definition() && func.args().size() == 2;
            if (adds_up && (walks_some(func) || copy_of(func))) {
                add_steps(func, copy_of(func).value_or(0));
            } else if (adds_up) {
                const LoopLevel at = step_that_reads(func, funcs);
                func.compute_at(at).store_in(MemoryType::Stack);
                vector_sum(func, at, registers_);
            }
            if (func.args().size() != 1) continue;
            func.compute_root()
                .bound_storage(func.args()[0], most_slice_rows)
                .store_in(MemoryType::Stack);
            if (func.has_update_definition() && !walks_some(func))
                vector_sum(func, LoopLevel(func, func.args()[0]), registers_);
        }
        for (const Role role : {Role::active_masks, Role::listed_masks})
            if (const auto masks = find(kernel_, role)) return activity(*masks);
        for (size_t i = 0; i < kernel_.outputs.size(); ++i) {
            Func& out = kernel_.outputs[i];
            if (kernel_.dims[i].empty()) {
                out.vectorize(out.args()[0], row_quantum, TailStrategy::RoundUp);
                continue;
            }
            registers_.channels(out, out.args()[0], kernel_.dims[i][0]);
            if (out.has_update_definition()) add_picked(out, kernel_.dims[i][0]);
        }
    }

  private:
    bool is_output(const Func& func) const {
        return std::any_of(kernel_.outputs.begin(), kernel_.outputs.end(),
                           [&](const Func& out) { return out.name() == func.name(); });
    }

    // Whether its update leaves out steps of its domain.
    static bool walks_some(const Func& func) {
        return func.has_update_definition() &&
               !Halide::Internal::is_const_one(func.function().update(0).predicate());
    }

    // The output that is a copy of it, by its number, if one is.
    std::optional<size_t> copy_of(const Func& func) const {
        for (size_t i = 0; i < kernel_.outputs.size(); ++i) {
            const auto* call = kernel_.outputs[i].value().as<Halide::Internal::Call>();
            if (call && call->name == func.name()) return i;
        }
        return std::nullopt;
    }

    // The first Func that walks some steps and needs the other one for each: that loop.
    static LoopLevel step_that_reads(const Func& read, const std::vector<Func>& funcs) {
        for (const Func& func : funcs)
            if (walks_some(func) &&
                Halide::Internal::build_environment({func.function()}).count(read.name()))
                return {func, func.rvars()[0]};
        throw std::logic_error(read.name() + ": nothing reads it step by step");
    }

    // For each step of what is walked, a line is added to, or a place in it that data name.
    void add_steps(Func line, size_t output) {
        Func out = kernel_.outputs.at(output);
        const Var j = line.args()[0];
        const int columns = kernel_.dims[output][0], width = registers_.width_for(columns);
        const TailStrategy strategy = tail(columns, width);
        line.compute_at(out, out.args()[1])
            .bound_storage(j, vectors_in(columns, width) * width)
            .store_in(MemoryType::Stack)
            .vectorize(j, width, strategy);
        if (line.update_args()[0].as<Halide::Internal::Variable>())
            line.update().reorder(j, line.rvars()[0]).vectorize(j, width, strategy);
        else
            line.update().unscheduled();
    }

    // Adjoints of picked rows: for each tuple and each of its branches, a line is added to.
    void add_picked(Func out, int channels) {
        const Var c = out.args()[0];
        const RVar branch = out.rvars()[0], tuple = out.rvars()[1];
        const int width = registers_.width_for(channels);
        out.update()
            .reorder(c, branch, tuple)
            .vectorize(c, width, tail(channels, width))
            .unroll(branch);
    }

    // Masks are made once for the rows of a tile, which all show them.
    void activity(Func masks) {
        Func out = kernel_.outputs[0];
        const Var row = out.args()[1];
        const int groups = kernel_.dims[0][0], bytes = 4 * registers_.lanes;
        Var ro("ro"), ri("ri");
        out.split(row, ro, ri, kernel_.single_row ? 1 : row_quantum, TailStrategy::RoundUp);
        masks.compute_at(out, ro).store_in(MemoryType::Stack);
        for (Func& func : {std::ref(out), std::ref(masks)})
            if (has_role(masks, Role::listed_masks) && groups >= bytes)
                func.vectorize(func.args()[0], bytes, TailStrategy::ShiftInwards);
            else
                registers_.channels(func, func.args()[0], groups);
    }

    KernelFuncs& kernel_;
    Vectors registers_;
};

}  // namespace

void vector_sum(Func& func, const LoopLevel& at, const Vectors& registers) {
    RVar r = func.rvars()[0], ro("ro"), ri("ri");
    const auto extent = Halide::Internal::as_const_int(
        Halide::Internal::simplify(func.update(0).get_schedule().rvars()[0].extent));
    const bool over_batch =
        !extent && Halide::Internal::can_prove(
                       func.update(0).get_schedule().rvars()[0].extent % batch_quantum == 0);
    const int size = extent ? static_cast<int>(*extent) : batch_quantum;
    const int width = over_batch ? batch_quantum : registers.width_for(size);
    const int lanes = over_batch ? batch_quantum : width * vectors_for(size, width, 4);
    if (!over_batch && (!extent || size < 2 * lanes || size % lanes != 0)) return;
    Var lane("lane");
    func.update().split(r, ro, ri, lanes);
    Func partial = func.update().rfactor(ri, lane);
    partial.compute_at(at).store_in(MemoryType::Stack).vectorize(lane, width).unroll(lane);
    partial.update().reorder(lane, ro).vectorize(lane, width).unroll(lane);
    func.update().unroll(ri);
}

void schedule_rows(KernelFuncs& kernel, const Halide::Target& target) {
    RowSchedule(kernel, target).run();
}

}  // namespace siamc::compiler
