// ELF: System V ABI, chapters 4 and 5; relocations of the processors' supplements.
#include <elf.h>

#include "emit/object_symbols.h"

namespace siamc::compiler {

namespace {

template <typename T>
std::string bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

// Sections in the order of their numbers; the null section is number 0.
enum { constants = 1, relocations, variables, stack_note, symbols, names, section_names, sections };

std::string relocation_bytes(const DataSection& section, const SymbolList& list, bool arm) {
    const std::uint32_t type = arm ? R_AARCH64_ABS64 : R_X86_64_64;
    std::string bytes;
    for (const DataRelocation& relocation : section.relocations) {
        Elf64_Rela entry = {};
        entry.r_offset = relocation.offset;
        entry.r_info = ELF64_R_INFO(list.number.at(relocation.symbol) + 1, type);
        entry.r_addend = relocation.addend;
        bytes += bytes_of(entry);
    }
    return bytes;
}

std::string symbol_bytes(const SymbolList& list, NameTable& table) {
    std::string bytes = bytes_of(Elf64_Sym{});
    for (const auto& [symbol, place] : list.all) {
        Elf64_Sym entry = {};
        entry.st_name = table.add(symbol.name);
        entry.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
        if (place != Place::elsewhere) {
            entry.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
            entry.st_other = symbol.exported ? STV_DEFAULT : STV_HIDDEN;
            entry.st_shndx = place == Place::constants ? constants : variables;
            entry.st_value = symbol.offset;
            entry.st_size = symbol.bytes;
        }
        bytes += bytes_of(entry);
    }
    return bytes;
}

Elf64_Ehdr file_header(std::size_t table, bool arm) {
    Elf64_Ehdr header = {};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_REL;
    header.e_machine = arm ? EM_AARCH64 : EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = sections;
    header.e_shstrndx = section_names;
    header.e_shoff = table;
    return header;
}

}  // namespace

std::string elf_data_object(const DataObject& object, bool arm) {
    const SymbolList list = list_symbols(object);
    NameTable symbol_names(std::string(1, '\0')), names_of_sections(std::string(1, '\0'));
    Elf64_Shdr table[sections] = {};
    ObjectBytes file;
    file.append(std::string(sizeof(Elf64_Ehdr), '\0'));
    const auto add = [&](int number, const char* name, std::uint32_t type, std::uint64_t flags,
                         std::size_t alignment, const std::string& bytes) -> Elf64_Shdr& {
        file.align(alignment);
        table[number].sh_name = names_of_sections.add(name);
        table[number].sh_type = type;
        table[number].sh_flags = flags;
        table[number].sh_addralign = alignment;
        table[number].sh_offset = file.size();
        table[number].sh_size = bytes.size();
        file.append(bytes);
        return table[number];
    };
    const std::vector<std::uint8_t>& data = object.constants.bytes;
    add(constants, ".data.rel.ro", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 64,
        {data.begin(), data.end()});
    Elf64_Shdr& places = add(relocations, ".rela.data.rel.ro", SHT_RELA, SHF_INFO_LINK, 8,
                             relocation_bytes(object.constants, list, arm));
    places.sh_link = symbols;
    places.sh_info = constants;
    places.sh_entsize = sizeof(Elf64_Rela);
    add(variables, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, 64, "").sh_size =
        object.variables.bytes.size();
    add(stack_note, ".note.GNU-stack", SHT_PROGBITS, 0, 1, "");
    Elf64_Shdr& entries =
        add(symbols, ".symtab", SHT_SYMTAB, 0, 8, symbol_bytes(list, symbol_names));
    entries.sh_link = names;
    entries.sh_info = 1;  // the first global symbol
    entries.sh_entsize = sizeof(Elf64_Sym);
    add(names, ".strtab", SHT_STRTAB, 0, 1, symbol_names.text());
    // Its own name is added before its bytes are taken.
    add(section_names, ".shstrtab", SHT_STRTAB, 0, 1, names_of_sections.text());
    file.align(8);
    const std::string header = bytes_of(file_header(file.size(), arm));
    for (const Elf64_Shdr& section : table) file.append(bytes_of(section));
    return header + file.text().substr(header.size());
}

std::string elf_hide_symbols(std::string object) {
    const auto at = [&](std::size_t offset, std::size_t size) {
        if (offset > object.size() || object.size() - offset < size)
            throw std::logic_error("object_file: an ELF object is cut short");
        return object.data() + offset;
    };
    if (object.compare(0, SELFMAG, ELFMAG) != 0)
        throw std::logic_error("object_file: not an ELF object");
    Elf64_Ehdr header;
    std::memcpy(&header, at(0, sizeof header), sizeof header);
    for (std::size_t s = 0; s < header.e_shnum; ++s) {
        Elf64_Shdr section;
        std::memcpy(&section, at(header.e_shoff + s * sizeof section, sizeof section),
                    sizeof section);
        if (section.sh_type != SHT_SYMTAB) continue;
        for (std::size_t e = 0; e + sizeof(Elf64_Sym) <= section.sh_size; e += sizeof(Elf64_Sym)) {
            char* place = at(section.sh_offset + e, sizeof(Elf64_Sym));
            Elf64_Sym symbol;
            std::memcpy(&symbol, place, sizeof symbol);
            if (ELF64_ST_BIND(symbol.st_info) == STB_LOCAL || symbol.st_shndx == SHN_UNDEF)
                continue;
            // The bits above it belong to the processor (AArch64's other ways of calling).
            symbol.st_other = static_cast<unsigned char>((symbol.st_other & ~3) | STV_HIDDEN);
            std::memcpy(place, &symbol, sizeof symbol);
        }
    }
    return object;
}

}  // namespace siamc::compiler
