#include "emit/object_file.h"

#include <Halide.h>

#include "emit/object_symbols.h"

namespace siamc::compiler {

namespace {

enum class Format { elf, macho, coff };

Format format_of(const Halide::Target& target) {
    using Target = Halide::Target;
    const bool x86 = target.arch == Target::X86, arm = target.arch == Target::ARM;
    if (target.bits == 64 && (x86 || arm)) {
        if (target.os == Target::Linux || target.os == Target::Android) return Format::elf;
        if (target.os == Target::OSX || target.os == Target::IOS) return Format::macho;
        if (target.os == Target::Windows && x86) return Format::coff;
    }
    throw std::logic_error("object_file: no format is known for " + target.to_string());
}

}  // namespace

std::string data_object(const DataObject& object, const Halide::Target& target) {
    switch (format_of(target)) {
        case Format::elf:
            return elf_data_object(object, target.arch == Halide::Target::ARM);
        case Format::macho:
            return macho_data_object(
                object, target.arch == Halide::Target::ARM,
                target.os == Halide::Target::IOS ? MachoPlatform::ios : MachoPlatform::macos);
        default:
            return coff_data_object(object);
    }
}

std::string hide_symbols(std::string object, const Halide::Target& target) {
    switch (format_of(target)) {
        case Format::elf:
            return elf_hide_symbols(std::move(object));
        case Format::macho:
            return macho_hide_symbols(std::move(object));
        default:
            return object;
    }
}

}  // namespace siamc::compiler
