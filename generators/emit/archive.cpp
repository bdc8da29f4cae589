// The archive: an object for each function, Halide's runtime, the model's tables.
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/error.h"
#include "emit/library.h"
#include "emit/process_pool.h"
#include "emit/tables.h"

namespace siamc::compiler {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail_to_write(const fs::path& file, int error) {
    fail(Exit::cannot_write,
         "{}: cannot be written: {}: what was there before is untouched\n  write: make room, or "
         "another folder with -o",
         file.string(), std::strerror(error));
}

// For a while only, so without the care that results get.
void write_object(const fs::path& file, const std::string& bytes) {
    std::ofstream stream(file, std::ios::binary);
    stream << bytes << std::flush;
    if (!stream) fail_to_write(file, errno);
}

// LLVM says that it failed, not why: a disk that has no room for as much again is the reason.
void check_room(const fs::path& file, std::size_t bytes) {
    struct statvfs status {};
    if (::statvfs(file.parent_path().c_str(), &status) == 0 &&
        status.f_bavail * status.f_frsize < bytes)
        fail_to_write(file, ENOSPC);
}

// In a process of its own, since LLVM ends the one in which it cannot write.
void join_objects(const std::vector<std::string>& objects, const fs::path& file,
                  const Halide::Target& target) {
    const Job job = {file.filename().string(), [&](const std::string&) {
                         Halide::create_static_library(objects, target, file.string());
                     }};
    try {
        run_jobs({job}, 1);
    } catch (const Error& error) {
        std::size_t bytes = 0;
        for (const std::string& object : objects) bytes += fs::file_size(object);
        if (error.code() == Exit::internal) check_room(file, bytes);
        throw;
    }
}

}  // namespace

std::vector<NamedModule> modules_of(const Library& library) {
    std::vector<NamedModule> modules;
    for (const Variant& variant : library.target.variants) {
        const Halide::GeneratorContext context(kernel_target(variant.target));
        for (const auto& [name, kernel] : library.kernels) {
            const std::string symbol = symbol_of(library, name, variant);
            modules.push_back(
                {symbol, [context, symbol, task = for_variant(library, kernel, variant)] {
                     return compiler::generate(task, context, symbol);
                 }});
        }
        const auto add_update = [&](const OptimizerRule& rule, int floats) {
            const std::string symbol = symbol_of(library, optimizer_kernel(library, rule), variant);
            modules.push_back({symbol, [&rule, floats, context, symbol] {
                                   return generate_optimizer(rule, floats, context, symbol);
                               }});
        };
        for (const OptimizerRule& rule : optimizer_rules())
            add_update(rule, optimizer_block(library));
        if (const long statistics = library.parameters.statistics)
            add_update(statistics_rule(), static_cast<int>(statistics));
        for (const NamedTransfer& named : transfers_of(library)) {
            const std::string symbol = symbol_of(library, named.name, variant);
            modules.push_back({symbol, [named, context, symbol] {
                                   return generate_transfer(named.transfer, context, symbol);
                               }});
        }
    }
    return modules;
}

void emit_archive(const Library& library, const fs::path& file, int jobs) {
    const Halide::Target& base = library.target.variants.back().target;
    std::vector<Job> work;
    for (const NamedModule& module : modules_of(library))
        work.push_back({module.symbol, [generate = module.generate](const std::string& object) {
                            generate().compile({{Halide::OutputFileType::object, object}});
                        }});
    work.push_back({"halide_runtime", [&](const std::string& object) {
                        Halide::compile_standalone_runtime(object, base);
                    }});
    const std::vector<std::string> compiled = run_jobs(work, jobs);

    const fs::path scratch = file.string() + ".objects";
    fs::create_directory(scratch);
    std::vector<std::string> objects;
    const auto add = [&](const std::string& name, const std::string& bytes) {
        objects.push_back((scratch / (name + ".o")).string());
        write_object(objects.back(), bytes);
    };
    for (std::size_t w = 0; w < work.size(); ++w)
        add(work[w].name, hide_symbols(compiled[w], base));
    add(library.name + "_tables", data_object(tables_of(library), base));
    join_objects(objects, file, base);
    fs::remove_all(scratch);
}

}  // namespace siamc::compiler
