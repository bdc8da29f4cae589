#include "sampling/row_hash.h"

#include <xxhash.h>

#include <bit>

namespace siamc {

// The hash is over bytes as they lie in memory.
static_assert(std::endian::native == std::endian::little);

std::uint64_t hash_rows(std::span<const std::int32_t> rows, std::span<const float> labels) {
    // The rows' hash seeds the labels', so that a byte cannot move from one to the other unseen.
    return XXH64(labels.data(), labels.size_bytes(), XXH64(rows.data(), rows.size_bytes(), 0));
}

}  // namespace siamc
