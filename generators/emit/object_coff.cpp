// COFF for x86-64: the PE format's specification, sections 3 to 5.
#include "emit/object_symbols.h"

namespace siamc::compiler {

namespace {

constexpr std::size_t coff_header_size = 20, coff_section_size = 40, coff_relocation_size = 10;
constexpr std::uint16_t x86_64 = 0x8664, address64 = 1;
constexpr std::uint8_t coff_external = 2;
constexpr std::uint32_t initialized = 0x40, uninitialized = 0x80, align64 = 0x700000,
                        readable = 0x40000000, writable = 0x80000000;
// The header counts relocations in 16 bits. Where those do not suffice, the first relocation is
// none, but says how many there are, itself included.
constexpr std::uint32_t more_relocations = 0x01000000;
constexpr std::size_t most_relocations = 0xFFFF;

}  // namespace

std::string coff_data_object(const DataObject& object) {
    const SymbolList list = list_symbols(object);
    const std::size_t relocations = object.constants.relocations.size();
    const bool more = relocations >= most_relocations;
    const std::size_t data_at = coff_header_size + 2 * coff_section_size;
    const std::size_t relocations_at = data_at + object.constants.bytes.size();
    ObjectBytes file;
    const auto add = [&](std::size_t number) { file.add(static_cast<std::uint32_t>(number)); };
    const auto add16 = [&](std::size_t number) { file.add(static_cast<std::uint16_t>(number)); };
    add16(x86_64), add16(2), add(0);
    add(relocations_at + (relocations + more) * coff_relocation_size), add(list.all.size());
    add16(0), add16(0);
    file.add_name(".rdata", 8);
    add(0), add(0), add(object.constants.bytes.size()), add(data_at), add(relocations_at), add(0);
    add16(more ? most_relocations : relocations), add16(0);
    add(initialized | align64 | readable | (more ? more_relocations : 0));
    file.add_name(".bss", 8);
    add(0), add(0), add(object.variables.bytes.size()), add(0), add(0), add(0);
    add16(0), add16(0), add(uninitialized | align64 | readable | writable);
    file.append(with_addends(object.constants));
    if (more) add(relocations + 1), add(0), add16(0);
    for (const DataRelocation& relocation : object.constants.relocations) {
        add(relocation.offset), add(list.number.at(relocation.symbol));
        add16(address64);
    }
    NameTable names(std::string(4, '\0'));
    for (const auto& [symbol, place] : list.all) {
        add(0), add(names.add(symbol.name)), add(symbol.offset);
        add16(place == Place::constants ? 1 : place == Place::variables ? 2 : 0);
        add16(0);
        file.add(coff_external), file.add<std::uint8_t>(0);
    }
    add(names.text().size());
    file.append(names.text().substr(4));
    return file.text();
}

}  // namespace siamc::compiler
