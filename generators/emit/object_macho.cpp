// Mach-O: the layout of <mach-o/loader.h>, <mach-o/nlist.h> and <mach-o/reloc.h>.
#include "emit/object_symbols.h"

namespace siamc::compiler {

namespace {

constexpr std::uint32_t magic = 0xFEEDFACF, object_file = 1;
constexpr std::uint32_t segment_command = 0x19, symtab_command = 0x2, dysymtab_command = 0xB,
                        build_version_command = 0x32;
constexpr std::size_t macho_header_size = 32, segment_size = 72, macho_section_size = 80,
                      symtab_size = 24, dysymtab_size = 80, build_version_size = 24,
                      symbol_size = 16, macho_relocation_size = 8;
constexpr std::uint8_t external = 0x01, in_section = 0x0E, private_external = 0x10;
constexpr std::uint32_t zero_fill = 1, alignment_log2 = 6;

// Addresses of the sections: the variables follow the constants.
struct Layout {
    explicit Layout(const DataObject& object)
        : constants(object.constants.bytes.size()),
          variables_at((constants + 63) / 64 * 64),
          variables(object.variables.bytes.size()),
          commands(segment_size + 2 * macho_section_size + build_version_size + symtab_size +
                   dysymtab_size),
          data_at((macho_header_size + commands + 63) / 64 * 64),
          relocations_at((data_at + constants + 7) / 8 * 8),
          symbols_at(relocations_at + object.constants.relocations.size() * macho_relocation_size) {
    }

    std::size_t constants, variables_at, variables, commands, data_at, relocations_at, symbols_at;
};

void add_section(ObjectBytes& file, const char* name, std::size_t address, std::size_t size,
                 std::uint32_t offset, std::size_t relocations_at, std::size_t relocations,
                 std::uint32_t flags) {
    file.add_name(name, 16);
    file.add_name("__DATA", 16);
    file.add<std::uint64_t>(address);
    file.add<std::uint64_t>(size);
    file.add(offset);
    file.add(alignment_log2);
    file.add(static_cast<std::uint32_t>(relocations ? relocations_at : 0));
    file.add(static_cast<std::uint32_t>(relocations));
    file.add(flags);
    file.append(std::string(12, '\0'));
}

void add_commands(ObjectBytes& file, const DataObject& object, const Layout& layout,
                  const SymbolList& list, std::size_t names_size, MachoPlatform platform) {
    const auto symbols = static_cast<std::uint32_t>(list.all.size());
    std::uint32_t defined = 0;
    for (const PlacedSymbol& placed : list.all) defined += placed.place != Place::elsewhere;
    const auto add = [&](std::size_t number) { file.add(static_cast<std::uint32_t>(number)); };
    add(segment_command), add(segment_size + 2 * macho_section_size);
    file.add_name("", 16);
    file.add<std::uint64_t>(0);
    file.add<std::uint64_t>(layout.variables_at + layout.variables);
    file.add<std::uint64_t>(layout.data_at);
    file.add<std::uint64_t>(layout.constants);
    add(7), add(7), add(2), add(0);  // may be read, written and run, as objects say
    add_section(file, "__const", 0, layout.constants, static_cast<std::uint32_t>(layout.data_at),
                layout.relocations_at, object.constants.relocations.size(), 0);
    add_section(file, "__bss", layout.variables_at, layout.variables, 0, 0, 0, zero_fill);
    add(build_version_command), add(build_version_size);
    // Version 11: of macOS, the first for both processors.
    add(static_cast<std::size_t>(platform)), add(11 << 16), add(0), add(0);
    add(symtab_command), add(symtab_size), add(layout.symbols_at), add(symbols);
    add(layout.symbols_at + symbols * symbol_size), add(names_size);
    add(dysymtab_command), add(dysymtab_size);
    add(0), add(0), add(0), add(defined), add(defined), add(symbols - defined);
    file.append(std::string(48, '\0'));
}

}  // namespace

std::string macho_data_object(const DataObject& object, bool arm, MachoPlatform platform) {
    const SymbolList list = list_symbols(object);
    const Layout layout(object);
    NameTable names(std::string(1, '\0'));
    ObjectBytes symbols;
    for (const auto& [symbol, place] : list.all) {
        const bool defined = place != Place::elsewhere;
        symbols.add(names.add("_" + symbol.name));
        symbols.add(
            static_cast<std::uint8_t>(external | (defined ? in_section : 0) |
                                      (defined && !symbol.exported ? private_external : 0)));
        symbols.add(static_cast<std::uint8_t>(place == Place::constants   ? 1
                                              : place == Place::variables ? 2
                                                                          : 0));
        symbols.add<std::uint16_t>(0);
        symbols.add<std::uint64_t>(symbol.offset +
                                   (place == Place::variables ? layout.variables_at : 0));
    }
    ObjectBytes file;
    file.add(magic);
    file.add(arm ? 0x0100000Cu : 0x01000007u);  // ARM64, X86_64
    file.add(arm ? 0u : 3u);                    // all of them
    file.add(object_file);
    file.add(4u);
    file.add(static_cast<std::uint32_t>(layout.commands));
    file.add(0u), file.add(0u);
    add_commands(file, object, layout, list, names.text().size(), platform);
    file.align(64);
    file.append(with_addends(object.constants));
    file.align(8);
    for (const DataRelocation& relocation : object.constants.relocations) {
        file.add(static_cast<std::uint32_t>(relocation.offset));
        // Of an external symbol, 8 bytes (2^3), not relative, type 0: unsigned on both processors.
        file.add(list.number.at(relocation.symbol) | 3u << 25 | 1u << 27);
    }
    file.append(symbols.text());
    file.append(names.text());
    return file.text();
}

std::string macho_hide_symbols(std::string object) {
    const auto number = [&](std::size_t offset) {
        std::uint32_t value = 0;
        if (offset + sizeof value > object.size())
            throw std::logic_error("object_file: a Mach-O object is cut short");
        std::memcpy(&value, object.data() + offset, sizeof value);
        return value;
    };
    if (number(0) != magic) throw std::logic_error("object_file: not a Mach-O object");
    std::size_t command = macho_header_size;
    for (std::uint32_t c = 0; c < number(16); ++c, command += number(command + 4)) {
        if (number(command) != symtab_command) continue;
        const std::size_t first = number(command + 8), count = number(command + 12);
        for (std::size_t s = 0; s < count; ++s) {
            number(first + s * symbol_size + 12);  // is there
            char& type = object[first + s * symbol_size + 4];
            if ((type & external) && (type & in_section) == in_section)
                type = static_cast<char>(type | private_external);
        }
    }
    return object;
}

}  // namespace siamc::compiler
