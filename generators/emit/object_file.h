// Object files beside those that Halide makes: data alone, and the visibility of symbols.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace Halide {
struct Target;
}

namespace siamc::compiler {

// A symbol that an object defines at an offset of one of its sections. Not exported: hidden, for
// the program or shared library that the object is linked into alone. Names are those of C.
struct DataSymbol {
    std::string name;
    std::size_t offset = 0, bytes = 0;
    bool exported = false;
};

// The address of `symbol` (+ addend), of this object or another, as 8 bytes at `offset`.
struct DataRelocation {
    std::size_t offset = 0;
    std::string symbol;
    std::int64_t addend = 0;
};

struct DataSection {
    std::vector<std::uint8_t> bytes;
    std::vector<DataRelocation> relocations;
    std::vector<DataSymbol> symbols;
};

// Sections start on 64 bytes. Constants can be read alone once they are linked; variables are 0 at
// the start and have no relocations.
struct DataObject {
    DataSection constants, variables;
};

// The object file in the target's format: ELF (x86-64, AArch64), Mach-O (both), COFF (x86-64). The
// same bytes every time. std::logic_error for other targets.
std::string data_object(const DataObject& object, const Halide::Target& target);

// The same object with every symbol that it defines hidden (ELF, Mach-O; COFF exports nothing by
// itself). std::logic_error if it is no object of the target's format.
std::string hide_symbols(std::string object, const Halide::Target& target);

}  // namespace siamc::compiler
