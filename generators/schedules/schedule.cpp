#include "schedules/schedule.h"

namespace siamc {

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
    const std::string& name = func.name();
    return name.starts_with("in_") || name.starts_with("read_") || name.starts_with("branch_");
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

std::optional<Halide::Func> helper(const KernelFuncs& kernel, const std::string& name) {
    for (const Halide::Func& func : all_funcs(kernel))
        if (func.name().starts_with(name)) return func;
    return std::nullopt;
}

}  // namespace siamc
