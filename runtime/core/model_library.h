// A model in a shared library, as siamc compile --shared makes one.
#pragma once

#include <siamc/siamc.h>

#include <filesystem>
#include <string>

namespace siamc {

// The model's name in that of its library: "fc" of libfc.so, "fc_cuda" of libfc_cuda.so. usage if
// the file is called otherwise.
std::string name_of_library(const std::filesystem::path& file);

// The tables of the library's model. It stays loaded to the end of the process. Errors of
// name_of_library and read_file; bad_data, saying why, if the file is no whole library for this
// kind of processor, is not the one that NAME.manifest.json beside it (if there is one) tells of,
// cannot be loaded, or has no model NAME or one of another ABI version.
const siamc_model& load_model_library(const std::filesystem::path& file);

}  // namespace siamc
