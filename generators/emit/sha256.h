#pragma once

#include <filesystem>
#include <string>

namespace siamc {

// SHA-256 of a file's bytes, in hexadecimal. Throws std::system_error if it cannot be read.
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace siamc
