#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace siamc {

// SHA-256 of some bytes, as 64 hexadecimal digits.
std::string sha256(std::span<const std::byte> bytes);

// Of a file's; errors as read_file, with at most 1 GiB.
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace siamc
