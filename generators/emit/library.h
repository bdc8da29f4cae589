// Everything that one generated library holds, and its three files: DIR/lib<model>.a,
// DIR/<model>.h and DIR/<model>.manifest.json.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "emit/kernel_generator.h"
#include "emit/optimizers.h"
#include "emit/transfers.h"
#include "frontend/model_spec.h"
#include "passes/plan.h"
#include "targets/targets.h"

namespace siamc::compiler {

struct NamedProgram {
    std::string name;  // "embed", "embed_one", "contrastive", "contrastive_evaluation"
    Program program;
    std::vector<std::string> kernels;  // of each call, by name
};

struct Library {
    ModelSpec model;
    std::string name;  // of files and symbols: the model's, and the device's ("fc_cuda")
    LibraryTarget target;
    ParameterLayout parameters;
    int embedding_size = 0;
    std::vector<NamedProgram> programs;
    std::vector<std::pair<std::string, KernelTask>> kernels;  // name and what it computes
    ScheduleTable schedules;                                  // measured tiles to choose from
    std::string hash;  // of all that tables and code depend on: 16 hexadecimal digits
};

// Whether one of its kernels is given parameters.
bool reads_parameters(const Program& program);

// Names of all kernels, equal ones named once, and the hash. Programs must not move afterwards: the
// kernels refer to them.
void name_kernels(Library& library);

// The hash of a library whose kernels are named; std::logic_error if it has one already.
std::string library_hash(const Library& library);

// A kernel's function for one instruction set: the kernel's name with the library's
// hash, "fc_0123456789abcdef__dense_784x64_relu__avx2".
std::string symbol_of(const Library& library, const std::string& kernel, const Variant& variant);

// What every symbol of the library begins with: "fc_0123456789abcdef". The hash keeps the kernels
// of two versions of a model apart in one program.
std::string symbol_prefix(const Library& library);

// The kernel with the tile that the library's table has for that variant.
KernelTask for_variant(const Library& library, const KernelTask& kernel, const Variant& variant);

// What a table of schedules knows the kernel by.
std::string key_of(const KernelTask& task);

// Of the names, shapes and order of the parameters, but for those that only losses have, 16
// hexadecimal digits: two libraries that share it read each other's weights, whatever their
// targets, batches, losses and schedules.
std::string parameter_hash(const ParameterLayout& parameters);

std::string optimizer_kernel(const Library& library, const OptimizerRule& rule);

// How the optimiser's update is shared out: tasks, and the floats of each.
int optimizer_tasks_of(const Library& library);
int optimizer_block(const Library& library);

// A device's copies, with their names: a load and a store for each program, a load for optimisers.
struct NamedTransfer {
    std::string name;
    Transfer transfer;
};
std::vector<NamedTransfer> transfers_of(const Library& library);

// Every function of the library: its symbol, and how it is generated. Refers to the library.
struct NamedModule {
    std::string symbol;
    std::function<Halide::Module()> generate;
};
std::vector<NamedModule> modules_of(const Library& library);

// Compiles the kernels and writes the archive. `jobs` compiler threads.
void emit_archive(const Library& library, const std::filesystem::path& file, int jobs);
std::string emit_header(const Library& library);
// `files`: the files that the manifest vouches for; their SHA-256 is in it.
std::string emit_manifest(const Library& library, const std::vector<std::filesystem::path>& files);

}  // namespace siamc::compiler
