#include <fmt/format.h>
#include <xxhash.h>

#include <stdexcept>

#include "emit/library.h"
#include "emit/tables.h"

namespace siamc::compiler {

namespace {

// The tables as they will be written, but for the hash.
std::string text_of(const DataSection& section) {
    std::string text(section.bytes.begin(), section.bytes.end());
    for (const DataRelocation& relocation : section.relocations)
        text += fmt::format("{} {} {}\n", relocation.offset, relocation.symbol, relocation.addend);
    return text;
}

std::string text_of(const ScheduleParameters& tile) {
    return fmt::format("{} {}\n", tile.vectors, tile.wide);
}

}  // namespace

// Whatever changes a byte of the tables or of the code has to be in here: a program that holds two
// versions of a model tells them apart by the hash alone.
std::string library_hash(const Library& library) {
    if (!library.hash.empty()) throw std::logic_error("library_hash: symbols carry a hash already");
    std::string all = text_of(tables_of(library).constants);
    for (const auto& [name, task] : library.kernels) {
        all += name + "\n" + signature(task) + "\n";
        for (const Variant& variant : library.target.variants)
            all += text_of(for_variant(library, task, variant).tile.parameters);
    }
    for (const NamedProgram& named : library.programs) all += to_string(named.program);
    for (const Variant& variant : library.target.variants) all += variant.target.to_string() + "\n";
    all +=
        fmt::format("{}.{}.{}", HALIDE_VERSION_MAJOR, HALIDE_VERSION_MINOR, HALIDE_VERSION_PATCH);
    return fmt::format("{:016x}", XXH64(all.data(), all.size(), 0));
}

}  // namespace siamc::compiler
