// The bytes of a file in order, unpacked on the way if it is gzip: told by how it begins, not by
// its name.
#pragma once

#include <zlib.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "core/files.h"

namespace siamc {

class PackedFile {
  public:
    // Errors as open_input.
    explicit PackedFile(const std::filesystem::path& path);
    ~PackedFile();
    PackedFile(const PackedFile&) = delete;
    PackedFile& operator=(const PackedFile&) = delete;

    // Fills `to` and returns its size; less only at the end of the data. As gzip does, it reads
    // several streams in a row as one and passes over zeros after the last. bad_data if a stream is
    // damaged or cut short, or is followed by anything else. The checksum of a stream has been
    // verified once a read returned less than asked.
    std::size_t read(std::span<std::uint8_t> to);

    // Unpacked bytes read so far.
    std::uint64_t position() const { return position_; }
    // The unpacked data cannot be longer than this, whatever the file says of itself: what to hold
    // a header against before memory is set aside for it.
    std::uint64_t most_bytes() const;
    // The file's length on disk.
    std::uint64_t file_bytes() const { return input_file_.bytes; }
    const std::string& name() const { return name_; }

  private:
    std::size_t read_packed(std::span<std::uint8_t> to);
    bool next_stream();
    bool refill();
    [[noreturn]] void fail_damaged(const char* what);

    std::string name_;
    InputFile input_file_;
    std::uint64_t position_ = 0;
    std::uint64_t fetched_ = 0;  // bytes taken from disk
    std::array<std::uint8_t, 1 << 15> input_;
    z_stream stream_{};
    bool packed_ = false;
    bool between_streams_ = false;
};

}  // namespace siamc
