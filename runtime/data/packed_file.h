// The bytes of a file in order, unpacked on the way if it is gzip: told by how it begins, not by
// its name.
#pragma once

#include <zlib.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace siamc {

class PackedFile {
  public:
    // missing_input if the file cannot be opened, bad_data if it isn't a regular file.
    explicit PackedFile(const std::filesystem::path& path);
    ~PackedFile();
    PackedFile(const PackedFile&) = delete;
    PackedFile& operator=(const PackedFile&) = delete;

    // Fills `to` and returns its size; less only at the end of the data. bad_data if the gzip
    // stream is damaged or cut short, or is followed by anything but another one. The checksum of
    // a stream has been verified once a read returned less than asked.
    std::size_t read(std::span<std::uint8_t> to);

    // Unpacked bytes read so far.
    std::uint64_t position() const { return position_; }
    // The unpacked data cannot be longer than this, whatever the file says of itself: what to hold
    // a header against before memory is set aside for it.
    std::uint64_t most_bytes() const;
    // The file's length on disk.
    std::uint64_t file_bytes() const { return file_bytes_; }
    const std::string& name() const { return name_; }

  private:
    std::size_t read_packed(std::span<std::uint8_t> to);
    bool refill();
    [[noreturn]] void fail_damaged(const char* what);

    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::string name_;
    std::unique_ptr<std::FILE, Close> file_;
    std::uint64_t file_bytes_ = 0;
    std::uint64_t position_ = 0;
    std::uint64_t fetched_ = 0;  // bytes taken from disk
    std::array<std::uint8_t, 1 << 15> input_;
    z_stream stream_{};
    bool packed_ = false;
    bool between_streams_ = true;
};

}  // namespace siamc
