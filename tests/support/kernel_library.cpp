#include "support/kernel_library.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdlib.h>

#include <map>
#include <stdexcept>

#include "support/halide_errors.h"

namespace siamc::test {

namespace fs = std::filesystem;
using Halide::Target;

namespace {

// As in the archives that siamc writes: no checks, no queries, one runtime for all.
Target bare(const Target& target) {
    return target.with_feature(Target::NoRuntime)
        .with_feature(Target::NoAsserts)
        .with_feature(Target::NoBoundsQuery);
}

class ScratchFolder {
  public:
    ScratchFolder() {
        std::string name = (fs::temp_directory_path() / "siamc-kernels-XXXXXX").string();
        if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder " + name);
        path_ = name;
    }
    ~ScratchFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

// Scheduled and lowered for one target, code for another: a schedule can be tried where its
// instructions are missing.
void compile(const KernelTask& task, const KernelTargets& targets, const std::string& symbol,
             const std::string& object) {
    const Halide::Module scheduled =
        generate(task, Halide::GeneratorContext(bare(targets.schedule)), symbol);
    if (targets.schedule == targets.instructions)
        return scheduled.compile({{Halide::OutputFileType::object, object}});
    Halide::Module translated(symbol, bare(targets.instructions));
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

}  // namespace

KernelTargets host_targets() {
    return {Halide::get_host_target(), Halide::get_host_target()};
}

KernelLibrary::KernelLibrary(const std::vector<KernelTask>& tasks, const KernelTargets& targets) {
    throw_halide_errors();
    const ScratchFolder scratch;
    std::vector<std::string> objects;
    std::map<std::string, std::string> symbols;  // by signature: equal kernels are compiled once
    std::vector<std::string> symbol_of;
    for (const KernelTask& task : tasks) {
        const std::string key =
            fmt::format("{} {}", static_cast<int>(task.choice), signature(task));
        const auto [entry, fresh] = symbols.emplace(key, fmt::format("kernel{}", symbols.size()));
        symbol_of.push_back(entry->second);
        if (!fresh) continue;
        objects.push_back(scratch.path() / (entry->second + ".o"));
        compile(task, targets, entry->second, objects.back());
    }
    objects.push_back(runtime_object(targets.instructions));
    link(scratch.path(), objects);
    for (const std::string& name : symbol_of) {
        void* symbol = dlsym(handle_, (name + "_argv").c_str());
        if (!symbol) throw std::runtime_error(dlerror());
        functions_.push_back(reinterpret_cast<KernelFunction>(symbol));
    }
}

KernelLibrary::~KernelLibrary() {
    if (handle_) dlclose(handle_);
}

void KernelLibrary::link(const fs::path& folder, const std::vector<std::string>& objects) {
    const fs::path file = folder / "kernels.so";
    const std::string command = fmt::format("{} -shared -Wl,-Bsymbolic -o {} {} -lpthread -ldl",
                                            SIAMC_CXX, file.string(), fmt::join(objects, " "));
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
    handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle_) throw std::runtime_error(dlerror());
}

std::vector<KernelTask> tasks_of(const Program& program, ScheduleChoice choice) {
    std::vector<KernelTask> tasks;
    for (const Call& call : program.calls) {
        tasks.push_back(task_of(program, call));
        tasks.back().choice = choice;
    }
    return tasks;
}

std::string missing_here(const Target& target) {
    const Target host = Halide::get_host_target();
    if (target.arch != host.arch || target.bits != host.bits || target.os != host.os)
        return Target(target.os, target.arch, target.bits).to_string();
    std::vector<std::string> missing;
    for (const auto feature : {Target::SSE41, Target::AVX, Target::AVX2, Target::FMA, Target::F16C,
                               Target::AVX512, Target::AVX512_Skylake})
        if (target.has_feature(feature) && !host.has_feature(feature))
            missing.push_back(Target::feature_to_name(feature));
    return fmt::format("{}", fmt::join(missing, " "));
}

}  // namespace siamc::test
