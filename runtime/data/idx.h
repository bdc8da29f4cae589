// The IDX format of MNIST: bytes 0, 0, the type of the values (8: unsigned byte), the number of
// dimensions; each dimension as a big-endian 32-bit number; the values, last dimension innermost.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data/image_set.h"
#include "data/packed_file.h"

namespace siamc {

// Images (3 dimensions: n, height, width) and their n labels (1 dimension), each in a plain or a
// gzip file. Opening reads the headers alone, so that files that cannot be what is wanted are
// refused before anything is unpacked.
//
// Errors, when opening and when reading: those of open_input; bad_data with file and byte offset
// (in the unpacked data, except where the packing itself is damaged) if a file isn't IDX, holds
// other dimensions or types, announces more than its length can hold, is cut short, has bytes left
// over or fails its checksum, or if the two don't belong together; out_of_memory if there is none.
class IdxFiles {
  public:
    IdxFiles(const std::filesystem::path& images, const std::filesystem::path& labels);

    long size() const { return static_cast<long>(count_); }
    int height() const { return static_cast<int>(height_); }
    int width() const { return static_cast<int>(width_); }

    // Everything; once. Labels come first; memory grows as data arrive.
    ImageSet read();

  private:
    PackedFile images_, labels_;
    std::uint32_t count_ = 0, height_ = 0, width_ = 0;
};

}  // namespace siamc
