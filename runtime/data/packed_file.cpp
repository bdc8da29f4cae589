#include "data/packed_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "core/error.h"

namespace siamc {
namespace {

// The most that one byte of deflate can unpack to: zlib.net/zlib_tech.html, "Maximum Compression
// Factor".
constexpr std::uint64_t most_unpacked_per_byte = 1032;

constexpr int gzip_only = 15 + 16;  // inflateInit2: largest window, gzip header and checksum

}  // namespace

PackedFile::PackedFile(const std::filesystem::path& path)
    : name_(path.string()), input_file_(open_input(path)) {
    refill();
    packed_ = stream_.avail_in >= 2 && input_[0] == 0x1f && input_[1] == 0x8b;
    if (packed_ && inflateInit2(&stream_, gzip_only) != Z_OK) throw std::bad_alloc();
}

PackedFile::~PackedFile() {
    if (packed_) inflateEnd(&stream_);
}

std::uint64_t PackedFile::most_bytes() const {
    return packed_ ? file_bytes() * most_unpacked_per_byte : file_bytes();
}

// Takes the next bytes from disk; false at the end of the file.
bool PackedFile::refill() {
    const ssize_t count = uninterrupted(
        [&] { return ::read(input_file_.descriptor.number(), input_.data(), input_.size()); });
    if (count < 0) {
        fail(Exit::bad_data, "{}:{}: cannot be read: {}: check the disk", name_, fetched_,
             std::strerror(errno));
    }
    fetched_ += static_cast<std::uint64_t>(count);
    stream_.next_in = input_.data();
    stream_.avail_in = static_cast<uInt>(count);
    return count > 0;
}

void PackedFile::fail_damaged(const char* what) {
    fail(Exit::bad_data, "{}:{}: {}: the file is damaged, fetch it again", name_,
         fetched_ - stream_.avail_in, what);
}

std::size_t PackedFile::read(std::span<std::uint8_t> to) {
    std::size_t count = 0;
    if (packed_) {
        count = read_packed(to);
    } else {
        while (count < to.size() && (stream_.avail_in > 0 || refill())) {
            const std::size_t part = std::min<std::size_t>(to.size() - count, stream_.avail_in);
            std::memcpy(to.data() + count, stream_.next_in, part);
            stream_.next_in += part;
            stream_.avail_in -= static_cast<uInt>(part);
            count += part;
        }
    }
    position_ += count;
    return count;
}

// After a stream: starts the next one; false if nothing but zeros (tapes and some servers pad to
// whole blocks) is left.
bool PackedFile::next_stream() {
    if (stream_.avail_in == 0 && !refill()) return false;
    if (*stream_.next_in == 0) {
        do {
            const std::uint8_t* begin = stream_.next_in;
            const std::uint8_t* end = begin + stream_.avail_in;
            const std::uint8_t* other =
                std::find_if(begin, end, [](std::uint8_t byte) { return byte != 0; });
            stream_.avail_in = static_cast<uInt>(end - other);
            if (other != end) fail_damaged("there is something after the gzip stream's padding");
        } while (refill());
        return false;
    }
    if (inflateReset(&stream_) != Z_OK) fail_damaged("the gzip stream cannot be read");
    between_streams_ = false;
    return true;
}

std::size_t PackedFile::read_packed(std::span<std::uint8_t> to) {
    std::size_t count = 0;
    while (count < to.size()) {
        if (between_streams_ && !next_stream()) break;
        if (stream_.avail_in == 0 && !refill()) fail_damaged("the gzip stream is cut short");
        const auto room = static_cast<uInt>(std::min<std::size_t>(to.size() - count, 1u << 30));
        stream_.next_out = to.data() + count;
        stream_.avail_out = room;
        const int status = inflate(&stream_, Z_NO_FLUSH);
        count += room - stream_.avail_out;
        if (status == Z_STREAM_END) {
            between_streams_ = true;
        } else if (status == Z_MEM_ERROR) {
            throw std::bad_alloc();
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            fail_damaged(stream_.msg ? stream_.msg : zError(status));
        }
    }
    return count;
}

}  // namespace siamc
