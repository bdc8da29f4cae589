// The manifest: what the library holds, as readable JSON.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "abi/siamc/siamc.h"
#include "core/sha256.h"
#include "emit/library.h"
#include "tune/candidates.h"

namespace siamc::compiler {

using Json = nlohmann::ordered_json;

namespace {

Json parameters_json(const Library& library) {
    Json list = Json::array();
    for (const ParameterSlot& slot : library.parameters.slots)
        list.push_back({{"name", slot.name},
                        {"shape", std::vector<int>(slot.dims.rbegin(), slot.dims.rend())},
                        {"offset", slot.offset}});
    return list;
}

Json arena_json(const Program& program) {
    Json list = Json::array();
    for (const Placement& tensor : program.arena)
        list.push_back({{"tensor", program.graph[tensor.node].name},
                        {"of", tensor.per_slice ? "slice" : "batch"},
                        {"offset", tensor.offset},
                        {"bytes", tensor.bytes},
                        {"first_call", tensor.first_call},
                        {"last_call", tensor.last_call}});
    return list;
}

Json program_json(const NamedProgram& named) {
    static const char* const stages[] = {"prologue", "slices", "batch"};
    const Program& program = named.program;
    Json calls = Json::array();
    for (size_t c = 0; c < program.calls.size(); ++c) {
        const Kernel& kernel = program.kernels[program.calls[c].kernel];
        Json operands = Json::array();
        for (const Operand& operand : program.calls[c].operands)
            operands.push_back(program.graph[operand.node].name);
        calls.push_back({{"kernel", named.kernels[c]},
                         {"part", stages[static_cast<int>(stage_of(kernel))]},
                         {"tasks", program.calls[c].tasks},
                         {"operands", operands}});
    }
    return {{"name", named.name},
            {"images_per_tuple", program.graph.branches},
            {"batch", program.batch},
            {"slice_tuples", program.slice_tuples},
            {"multiply_adds_per_image", program.multiply_adds},
            {"arena_bytes", program.arena_bytes},
            {"calls", calls},
            {"arena", arena_json(program)}};
}

Json kernels_json(const Library& library) {
    Json list = Json::array();
    for (const auto& [name, kernel] : library.kernels) {
        std::vector<std::string> ops;
        for (NodeId id : kernel.kernel->nodes) ops.push_back((*kernel.graph)[id].op->name);
        Json symbols = Json::array(), tiles;
        for (const Variant& variant : library.target.variants) {
            symbols.push_back(symbol_of(library, name, variant));
            if (candidates(kernel, variant.target).size() < 2) continue;
            const ScheduleOrigin tile = for_variant(library, kernel, variant).tile;
            tiles[variant.name] = {{"from", tile.from},
                                   {"vectors", tile.parameters.vectors},
                                   {"wide", tile.parameters.wide}};
        }
        list.push_back({{"kernel", name}, {"operations", ops}, {"symbols", symbols}});
        if (!tiles.is_null()) list.back()["tiles"] = tiles;
    }
    return list;
}

}  // namespace

std::string emit_manifest(const Library& library, const std::vector<std::filesystem::path>& files) {
    Json manifest;
    manifest["format"] = "siamc manifest 2";
    manifest["model"] = library.model.name;
    manifest["target"] = library.target.name;
    if (!device_of(library.target).empty()) manifest["device"] = device_of(library.target);
    for (const Variant& variant : library.target.variants)
        manifest["variants"].push_back(
            {{"name", variant.name}, {"target", variant.target.to_string()}});
    manifest["hash"] = library.hash;
    manifest["abi"] = SIAMC_ABI_VERSION;
    manifest["halide"] =
        fmt::format("{}.{}.{}", HALIDE_VERSION_MAJOR, HALIDE_VERSION_MINOR, HALIDE_VERSION_PATCH);
    manifest["input"] = {{"shape", library.model.input.shape},
                         {"type", library.model.input.type},
                         {"scale", library.model.input.scale}};
    manifest["embedding"] = library.embedding_size;
    manifest["parameters"] = {{"count", library.parameters.count},
                              {"floats", library.parameters.padded},
                              {"statistic_floats", library.parameters.statistics},
                              {"hash", parameter_hash(library.parameters)},
                              {"tensors", parameters_json(library)}};
    for (const OptimizerRule& rule : optimizer_rules())
        manifest["optimizers"].push_back({{"name", rule.name},
                                          {"kernel", optimizer_kernel(library, rule)},
                                          {"moments", rule.moments},
                                          {"hyperparameters", rule.hyper},
                                          {"formula", rule.formula}});
    for (const NamedProgram& named : library.programs)
        manifest["programs"].push_back(program_json(named));
    manifest["kernels"] = kernels_json(library);
    for (const std::filesystem::path& file : files)
        manifest["files"].push_back(
            {{"name", file.filename().string()}, {"sha256", sha256_of_file(file)}});
    return manifest.dump(2) + "\n";
}

}  // namespace siamc::compiler
