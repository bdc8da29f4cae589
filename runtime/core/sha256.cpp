#include "core/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "core/error.h"
#include "core/files.h"

namespace siamc {

std::string sha256(std::span<const std::byte> bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        fail(Exit::internal, "libcrypto offers no SHA-256: install a complete OpenSSL");
    std::string text;
    for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
}

std::string sha256_of_file(const std::filesystem::path& file) {
    const std::string bytes = read_file(file, std::size_t{1} << 30);
    return sha256(std::as_bytes(std::span(bytes)));
}

}  // namespace siamc
