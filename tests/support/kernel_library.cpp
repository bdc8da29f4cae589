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

// As in the archives that siamc writes: no checks (but on devices), no queries, one runtime for
// all.
Target bare(const Target& target) {
    const Target quiet = target.with_feature(Target::NoRuntime).with_feature(Target::NoBoundsQuery);
    return target.has_gpu_feature() ? quiet : quiet.with_feature(Target::NoAsserts);
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

KernelLibrary::KernelLibrary(const std::vector<KernelTask>& tasks, const KernelTargets& targets)
    : on_device_(targets.instructions.has_gpu_feature()) {
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
    for (const std::string& name : symbol_of)
        functions_.push_back(reinterpret_cast<KernelFunction>(symbol(name + "_argv")));
}

// A driver's threads may outlive the calls: what they run stays.
KernelLibrary::~KernelLibrary() {
    if (handle_ && !on_device_) dlclose(handle_);
}

void* KernelLibrary::symbol(const std::string& name) const {
    void* found = dlsym(handle_, name.c_str());
    if (!found) throw std::runtime_error(dlerror());
    return found;
}

int KernelLibrary::run_on_device(size_t index, const std::vector<void*>& buffers,
                                 size_t inputs) const {
    using Transfer = int (*)(void* user_context, halide_buffer_t*);
    const auto to_host = reinterpret_cast<Transfer>(symbol("halide_copy_to_host"));
    const auto release = reinterpret_cast<Transfer>(symbol("halide_device_free"));
    std::vector<void*> arguments = buffers;
    for (void* buffer : buffers) static_cast<halide_buffer_t*>(buffer)->set_host_dirty();
    int error = function(index)(arguments.data());
    for (size_t i = 0; i < buffers.size(); ++i) {
        auto* buffer = static_cast<halide_buffer_t*>(buffers[i]);
        if (!error && i >= inputs) error = to_host(nullptr, buffer);
        const int freed = release(nullptr, buffer);
        error = error ? error : freed;
    }
    return error;
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
