// The IDX format of MNIST: bytes 0, 0, the type of the values (8: unsigned byte), the number of
// dimensions; each dimension as a big-endian 32-bit number; the values, last dimension innermost.
#pragma once

#include <filesystem>

#include "data/image_set.h"

namespace siamc {

// Reads n images (3 dimensions: n, height, width) and their n labels (1 dimension). Each path may
// name a plain or a gzip file; where there is none of that name, the name with ".gz" is tried.
//
// missing_input if there is neither, naming both; bad_data with file and byte offset (in the
// unpacked data, except where the packing itself is damaged) if a file isn't IDX, holds other
// dimensions or types, is cut short, has bytes left over or fails its checksum, or if the two
// don't belong together. Memory is set aside only for what the file's length can hold.
ImageSet read_idx(const std::filesystem::path& images, const std::filesystem::path& labels);

}  // namespace siamc
