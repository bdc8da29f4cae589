#include "schedules/schedule.h"

namespace siamc::compiler {

using Halide::Func;

std::vector<Func> all_funcs(const KernelFuncs& kernel) {
    std::vector<Halide::Internal::Function> outputs;
    for (const Func& output : kernel.outputs) outputs.push_back(output.function());
    std::vector<Func> funcs;
    for (const auto& [name, function] : Halide::Internal::build_environment(outputs))
        funcs.emplace_back(function);
    return funcs;
}

bool is_view(const Func& func) {
    return has_role(func, Role::input) || has_role(func, Role::view) ||
           has_role(func, Role::listed_tile) || has_role(func, Role::active_factor);
}

void schedule(KernelFuncs& kernel, const Halide::Target& target) {
    if (target.has_gpu_feature())
        schedule_gpu(kernel);
    else
        schedule_cpu(kernel, target);
}

void schedule_naive(KernelFuncs& kernel) {
    for (Func& func : all_funcs(kernel))
        if (!is_view(func)) func.compute_root();
}

std::optional<Func> find(const KernelFuncs& kernel, Role role) {
    for (const Func& func : all_funcs(kernel))
        if (has_role(func, role)) return func;
    return std::nullopt;
}

}  // namespace siamc::compiler
