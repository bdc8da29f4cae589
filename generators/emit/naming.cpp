// What is in a library, by which names.
#include <fmt/format.h>

#include <map>

#include "emit/library.h"

namespace siamc::compiler {

bool reads_parameters(const Program& program) {
    for (const Call& call : program.calls)
        for (const Operand& operand : call.operands)
            if (operand.space == Space::parameters) return true;
    return false;
}

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
    return static_cast<int>((library.parameters.padded - library.parameters.statistics) /
                            optimizer_tasks_of(library));
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

}  // namespace siamc::compiler
