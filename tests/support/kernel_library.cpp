#include "support/kernel_library.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "support/halide_errors.h"
#include "targets/targets.h"

namespace siamc::compiler::test {

namespace fs = std::filesystem;
using Halide::Target;

namespace {

// Scheduled and lowered for one target, code for another: a schedule can be tried where its
// instructions are missing.
void compile(const KernelTask& task, const KernelTargets& targets, const std::string& symbol,
             const std::string& object) {
    const Halide::Module scheduled =
        generate(task, Halide::GeneratorContext(kernel_target(targets.schedule)), symbol);
    if (targets.schedule == targets.instructions)
        return scheduled.compile({{Halide::OutputFileType::object, object}});
    Halide::Module translated(symbol, kernel_target(targets.instructions));
    for (const auto& constant : scheduled.buffers()) translated.append(constant);
    for (const auto& function : scheduled.functions()) translated.append(function);
    translated.compile({{Halide::OutputFileType::object, object}});
}

// The runtime that all kernels for a target need, made once.
std::string runtime_object(const Target& target) {
    static const ScratchFolder scratch;
    static std::map<std::string, std::string> objects;
    std::string& object = objects[target.to_string()];
    if (object.empty()) {
        object = scratch.path() / fmt::format("runtime{}.o", objects.size());
        Halide::compile_standalone_runtime(object, target);
    }
    return object;
}

bool is_hosts(const Target& target) {
    const Target host = Halide::get_host_target();
    return target.arch == host.arch && target.bits == host.bits && target.os == host.os;
}

fs::path link(const fs::path& folder, const std::vector<std::string>& objects,
              const Target& target) {
    const fs::path file = folder / "kernels.so";
    const std::string command = fmt::format("{} -shared -Wl,-Bsymbolic -o {} {} -lpthread -ldl",
                                            is_hosts(target) ? SIAMC_CXX : SIAMC_ARM64_CXX,
                                            file.string(), fmt::join(objects, " "));
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
    return file;
}

}  // namespace

KernelTargets host_targets() {
    return {Halide::get_host_target(), Halide::get_host_target()};
}

Target avx512_target() {
    return Target("x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41");
}

Target neon_target() {
    return Target("arm-64-linux");
}

Target opencl_target() {
    return Target("x86-64-linux-opencl-sse41");
}

std::vector<KernelTargets> tested_targets() {
    std::vector<KernelTargets> targets;
    for (const Target& target :
         {Target("x86-64-linux-sse41"), Target("x86-64-linux-avx-avx2-f16c-fma-sse41"),
          avx512_target(), neon_target()}) {
        const bool runs = missing_here(target).empty();
        targets.push_back({target, runs ? target : Halide::get_host_target()});
    }
    return targets;
}

std::string missing_here(const Target& target) {
    const Target host = Halide::get_host_target();
    if (target.has_gpu_feature()) return opencl_is_here() ? "" : "OpenCL device";
    if (!is_hosts(target))
        return target == neon_target() && emulator_is_here() ? ""
                                                             : "emulator of " + target.to_string();
    std::vector<std::string> missing;
    for (const auto feature : {Target::SSE41, Target::AVX, Target::AVX2, Target::FMA, Target::F16C,
                               Target::AVX512, Target::AVX512_Skylake})
        if (target.has_feature(feature) && !host.has_feature(feature))
            missing.push_back(Target::feature_to_name(feature));
    return fmt::format("{}", fmt::join(missing, " "));
}

KernelLibrary::KernelLibrary(const std::vector<KernelTask>& tasks, const KernelTargets& targets) {
    throw_halide_errors();
    std::vector<std::string> objects;
    std::map<std::string, std::string> names;  // by signature: equal kernels are compiled once
    for (const KernelTask& task : tasks) {
        const std::string key =
            fmt::format("{} {}", static_cast<int>(task.choice), signature(task));
        const auto [entry, fresh] = names.emplace(key, fmt::format("kernel{}", names.size()));
        const std::string& name = entry->second;
        symbols_.push_back(name + "_argv");
        if (!fresh) continue;
        objects.push_back(folder_.path() / (name + ".o"));
        compile(task, targets, name, objects.back());
    }
    objects.push_back(runtime_object(targets.instructions));
    const fs::path object = link(folder_.path(), objects, targets.instructions);
    if (targets.instructions.has_gpu_feature())
        runner_ = device_runner(object);
    else
        runner_ = is_hosts(targets.instructions) ? native_runner(object) : emulated_runner(object);
}

std::vector<KernelTask> tasks_of(const Program& program, ScheduleChoice choice) {
    std::vector<KernelTask> tasks;
    for (const Call& call : program.calls) {
        tasks.push_back(task_of(program, call));
        tasks.back().choice = choice;
    }
    return tasks;
}

}  // namespace siamc::compiler::test
