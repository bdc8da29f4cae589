// The model's tables (runtime/abi/siamc/internal/tables.h), as data of the archive.
#pragma once

#include <string>

#include "emit/library.h"
#include "emit/object_file.h"

namespace siamc::compiler {

// "fc_0123456789abcdef_model": the symbol of the model's table. It carries the library's hash, so a
// header only links with the archive that was made beside it.
std::string model_symbol(const Library& library);

// Bytes of the memory that every program of the library can run in, and of that of an encoder.
long arena_bytes_of(const Library& library);
long encoder_bytes_of(const Library& library);

DataObject tables_of(const Library& library);

}  // namespace siamc::compiler
