#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <map>
#include <system_error>

#include "emit/library.h"
#include "emit/tables.h"

namespace siamc {

namespace fs = std::filesystem;

namespace {

// Objects are made beside the archive and removed with the folder.
class ScratchFolder {
  public:
    explicit ScratchFolder(const fs::path& beside)
        : path_(beside.string() + fmt::format(".objects.{}", ::getpid())) {
        fs::create_directories(path_);
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

// Kernels trust their callers: the plan fixes every extent, and the runtime is linked once. Those
// of a GPU keep their checks, for what a device may refuse.
Halide::Target kernel_target(const Halide::Target& target) {
    const Halide::Target bare =
        target.with_feature(Halide::Target::NoRuntime).with_feature(Halide::Target::NoBoundsQuery);
    return target.has_gpu_feature() ? bare : bare.with_feature(Halide::Target::NoAsserts);
}

struct Job {
    std::string name;
    std::function<void()> run;
};

// Halide's own exceptions do not reach a caller outside its library.
class ExitOnError : public Halide::CompileTimeErrorReporter {
  public:
    explicit ExitOnError(std::string kernel) : kernel_(std::move(kernel)) {}
    void warning(const char* message) override { print(message); }
    void error(const char* message) override {
        print(message);
        ::_exit(1);
    }

  private:
    void print(const char* message) { fmt::print(stderr, "siamc: {}: {}\n", kernel_, message); }

    std::string kernel_;
};

// Each kernel is compiled in a process of its own, forked from the same state: Halide numbers its
// names as it goes, so in one process the code would depend on the order of compilation.
pid_t start(const Job& job) {
    const pid_t child = ::fork();
    if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (child > 0) return child;
    int status = 1;
    ExitOnError reporter(job.name);
    Halide::set_custom_compile_time_error_reporter(&reporter);
    try {
        job.run();
        status = 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "siamc: {}: {}\n", job.name, error.what());
    }
    ::_exit(status);
}

void run_jobs(const std::vector<Job>& work, int jobs) {
    size_t next = 0;
    int running = 0;
    bool failed = false;
    while (running > 0 || (next < work.size() && !failed)) {
        if (running < jobs && next < work.size() && !failed) {
            start(work[next++]);
            ++running;
            continue;
        }
        int status = 0;
        if (::wait(&status) < 0) throw std::system_error(errno, std::generic_category(), "wait");
        --running;
        failed = failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    if (failed) throw std::runtime_error("a kernel could not be compiled");
}

}  // namespace

void name_kernels(Library& library) {
    std::map<std::string, std::string> name_of;  // by signature
    std::map<std::string, int> used;
    for (NamedProgram& named : library.programs) {
        for (const Call& call : named.program.calls) {
            KernelTask task = task_of(named.program, call);
            const std::string key = signature(task);
            auto [entry, fresh] = name_of.emplace(key, "");
            if (fresh) {
                std::string name = fmt::format("{}__{}", library.name, task.kernel->name);
                if (task.single_row) name += "__one";
                const int times = ++used[name];
                if (times > 1) name += fmt::format("__{}", times);
                entry->second = name;
                library.kernels.push_back({name, task});
            }
            named.kernels.push_back(entry->second);
        }
    }
    library.hash = library_hash(library);
}

std::string key_of(const KernelTask& task) {
    return task.kernel->name + (task.single_row ? "__one" : "");
}

std::string symbol_prefix(const Library& library) {
    return library.name + "_" + library.hash;
}

std::string symbol_of(const Library& library, const std::string& kernel, const Variant& variant) {
    return symbol_prefix(library) + kernel.substr(library.name.size()) + "__" + variant.name;
}

KernelTask for_variant(const Library& library, const KernelTask& kernel, const Variant& variant) {
    KernelTask task = kernel;
    task.tile = find_schedule(library.schedules, key_of(task), variant.name);
    return task;
}

std::string optimizer_kernel(const Library& library, const OptimizerRule& rule) {
    return fmt::format("{}__{}", library.name, rule.name);
}

int optimizer_tasks_of(const Library& library) {
    return device_of(library.target).empty() ? optimizer_tasks : 1;
}

int optimizer_block(const Library& library) {
    return static_cast<int>(library.parameters.padded / optimizer_tasks_of(library));
}

std::vector<NamedTransfer> transfers_of(const Library& library) {
    std::vector<NamedTransfer> transfers;
    if (device_of(library.target).empty()) return transfers;
    for (const NamedProgram& named : library.programs) {
        const std::string prefix = library.name + "__" + named.name;
        transfers.push_back({prefix + "__load", load_of(named.program)});
        transfers.push_back({prefix + "__store", store_of(named.program)});
    }
    transfers.push_back({library.name + "__optimizer__load", load_of_optimizer()});
    return transfers;
}

std::vector<NamedModule> modules_of(const Library& library) {
    std::vector<NamedModule> modules;
    for (const Variant& variant : library.target.variants) {
        const Halide::GeneratorContext context(kernel_target(variant.target));
        for (const auto& [name, kernel] : library.kernels) {
            const std::string symbol = symbol_of(library, name, variant);
            modules.push_back(
                {symbol, [context, symbol, task = for_variant(library, kernel, variant)] {
                     return siamc::generate(task, context, symbol);
                 }});
        }
        for (const OptimizerRule& rule : optimizer_rules()) {
            const std::string symbol = symbol_of(library, optimizer_kernel(library, rule), variant);
            modules.push_back({symbol, [&rule, &library, context, symbol] {
                                   return generate_optimizer(rule, optimizer_block(library),
                                                             context, symbol);
                               }});
        }
        for (const NamedTransfer& named : transfers_of(library)) {
            const std::string symbol = symbol_of(library, named.name, variant);
            modules.push_back({symbol, [named, context, symbol] {
                                   return generate_transfer(named.transfer, context, symbol);
                               }});
        }
    }
    return modules;
}

namespace {

std::string read_object(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

void write_object(const std::string& file, const std::string& bytes) {
    std::ofstream stream(file, std::ios::binary);
    stream << bytes << std::flush;
    if (!stream) throw std::system_error(errno, std::generic_category(), file);
}

}  // namespace

void emit_archive(const Library& library, const fs::path& file, int jobs) {
    const ScratchFolder scratch(file);
    const Halide::Target& base = library.target.variants.back().target;
    std::vector<std::string> objects;
    std::vector<Job> work;
    for (const NamedModule& module : modules_of(library)) {
        objects.push_back((scratch.path() / (module.symbol + ".o")).string());
        work.push_back({module.symbol, [object = objects.back(), generate = module.generate] {
                            generate().compile({{Halide::OutputFileType::object, object}});
                        }});
    }
    objects.push_back((scratch.path() / "halide_runtime.o").string());
    work.push_back(
        {"halide_runtime", [&] { Halide::compile_standalone_runtime(objects.back(), base); }});
    run_jobs(work, jobs);
    for (const std::string& object : objects)
        write_object(object, hide_symbols(read_object(object), base));
    objects.push_back((scratch.path() / (library.name + "_tables.o")).string());
    write_object(objects.back(), data_object(tables_of(library), base));
    const fs::path temporary = scratch.path() / file.filename();
    Halide::create_static_library(objects, base, temporary.string());
    fs::rename(temporary, file);
}

}  // namespace siamc
