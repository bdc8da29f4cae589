// What the writers of object formats share.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "emit/object_file.h"

namespace siamc::compiler {

// Numbers as every format here stores them, the lowest byte first.
class ObjectBytes {
  public:
    template <typename T>
    void add(T number) {
        for (std::size_t b = 0; b < sizeof(T); ++b)
            bytes_ += static_cast<char>(static_cast<std::uint64_t>(number) >> 8 * b);
    }
    // A name in a field of that many bytes.
    void add_name(const std::string& name, std::size_t field) {
        bytes_ += name;
        bytes_.append(field - name.size(), '\0');
    }
    void append(const std::string& bytes) { bytes_ += bytes; }
    void align(std::size_t boundary) {
        bytes_.append((boundary - bytes_.size() % boundary) % boundary, '\0');
    }
    std::size_t size() const { return bytes_.size(); }
    const std::string& text() const { return bytes_; }

  private:
    std::string bytes_;
};

// Names one after the other, each ended by 0; a name is known by its offset.
class NameTable {
  public:
    explicit NameTable(std::string start) : names_(std::move(start)) {}
    std::uint32_t add(const std::string& name) {
        const auto at = static_cast<std::uint32_t>(names_.size());
        names_ += name + '\0';
        return at;
    }
    const std::string& text() const { return names_; }

  private:
    std::string names_;
};

enum class Place { constants, variables, elsewhere };

struct PlacedSymbol {
    DataSymbol symbol;
    Place place;
};

// Defined symbols, then those that relocations need from elsewhere; and the number of each by name.
struct SymbolList {
    std::vector<PlacedSymbol> all;
    std::map<std::string, std::uint32_t> number;
};

inline SymbolList list_symbols(const DataObject& object) {
    if (!object.variables.relocations.empty())
        throw std::logic_error("object_file: variables have no relocations");
    SymbolList list;
    const auto add = [&](const DataSymbol& symbol, Place place) {
        if (list.number.emplace(symbol.name, list.all.size()).second)
            list.all.push_back({symbol, place});
        else if (place != Place::elsewhere)
            throw std::logic_error("object_file: " + symbol.name + " is defined twice");
    };
    for (const DataSymbol& symbol : object.constants.symbols) add(symbol, Place::constants);
    for (const DataSymbol& symbol : object.variables.symbols) add(symbol, Place::variables);
    for (const DataRelocation& relocation : object.constants.relocations)
        add({relocation.symbol, 0, 0, true}, Place::elsewhere);
    return list;
}

// The bytes of the constants with the relocations' addends in their places, as Mach-O and COFF keep
// them.
inline std::string with_addends(const DataSection& section) {
    std::string bytes(section.bytes.begin(), section.bytes.end());
    for (const DataRelocation& relocation : section.relocations)
        std::memcpy(bytes.data() + relocation.offset, &relocation.addend, 8);
    return bytes;
}

// `arm`: for AArch64, else for x86-64.
std::string elf_data_object(const DataObject& object, bool arm);
// Linkers take objects of their own platform alone, by <mach-o/loader.h>'s numbers.
enum class MachoPlatform : std::uint32_t { macos = 1, ios = 2 };
std::string macho_data_object(const DataObject& object, bool arm, MachoPlatform platform);
std::string coff_data_object(const DataObject& object);

std::string elf_hide_symbols(std::string object);
std::string macho_hide_symbols(std::string object);

}  // namespace siamc::compiler
