// A library's archive as one shared object, for programs that load their models.
#pragma once

#include <filesystem>
#include <string>

#include "emit/library.h"

namespace siamc::compiler {

// The program that links shared libraries for the target: `wanted`, a C compiler's name or path,
// or where that is empty the first of the usual ones that is installed. To be asked before anything
// is compiled. Error usage if the target's objects are not ELF, missing_input, with what to
// install, if no such program is there.
std::string find_linker(const LibraryTarget& target, const std::string& wanted);

// Links all of `archive` into `file`, which exports the model's table alone: under the name that
// the header calls it by, and as NAME_model for dlsym(). What the linker needs and makes lies
// beside `file` meanwhile. Error cannot_write if the file system is full, cannot_create, with how
// it ended, if the linker fails otherwise; what it says stands on stderr.
void link_shared(const Library& library, const std::filesystem::path& archive,
                 const std::filesystem::path& file, const std::string& linker);

}  // namespace siamc::compiler
