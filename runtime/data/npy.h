// One array in a file of numpy's: NAME.npy, as numpy.save writes it, plain or gzipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/packed_file.h"

namespace siamc {

// What an array holds: little-endian numbers, row by row.
struct NpyType {
    char kind = 'f';        // 'f': floating point, 'i': signed, 'u': unsigned
    std::size_t bytes = 4;  // of a value
};

// A file whose header has been read.
class NpyFile {
  public:
    // missing_input if it is not there; bad_data, with the file's name, if it is not numpy's, holds
    // no such numbers or is stored column by column.
    explicit NpyFile(const std::filesystem::path& path);

    const std::string& name() const { return file_.name(); }
    NpyType type() const { return type_; }
    const std::vector<std::uint64_t>& shape() const { return shape_; }
    // "60000 x 28 x 28 values of 1 bytes"
    std::string in_words() const;
    // bad_data: the file's name, and that.
    [[noreturn]] void fail(const std::string& what) const;

    // bad_data unless the file can be as long as its header says.
    void check_length() const;
    // All values, as they are stored. bad_data if the file is longer or shorter than it says;
    // out_of_memory.
    std::vector<std::uint8_t> values();

  private:
    std::string read_text(std::size_t length);
    std::string read_dictionary();
    void parse_dictionary(const std::string& text);
    std::uint64_t bytes() const;

    PackedFile file_;
    NpyType type_;
    std::vector<std::uint64_t> shape_;
};

// Writes an array, atomically; errors as write_file_atomically.
void write_npy(const std::filesystem::path& path, NpyType type,
               const std::vector<std::size_t>& shape, std::span<const std::byte> values);

}  // namespace siamc
