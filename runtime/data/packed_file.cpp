#include "data/packed_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/error.h"

namespace siamc {
namespace {

// The most that one byte of deflate can unpack to: zlib.net/zlib_tech.html, "Maximum Compression
// Factor".
constexpr std::uint64_t most_unpacked_per_byte = 1032;

constexpr int gzip_only = 15 + 16;  // inflateInit2: largest window, gzip header and checksum

}  // namespace

PackedFile::PackedFile(const std::filesystem::path& path) : name_(path.string()) {
    std::error_code error;
    if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error))
        fail(Exit::bad_data, "{}: not a regular file: give the path of a file", name_);
    file_.reset(std::fopen(name_.c_str(), "rb"));
    if (!file_) {
        fail(Exit::missing_input, "{}: cannot be opened: {}: check the path and its permissions",
             name_, std::strerror(errno));
    }
    file_bytes_ = std::filesystem::file_size(path);
    refill();
    packed_ = stream_.avail_in >= 2 && input_[0] == 0x1f && input_[1] == 0x8b;
    if (packed_ && inflateInit2(&stream_, gzip_only) != Z_OK)
        fail(Exit::internal, "{}: zlib cannot start: {}", name_, zError(Z_MEM_ERROR));
}

PackedFile::~PackedFile() {
    if (packed_) inflateEnd(&stream_);
}

std::uint64_t PackedFile::most_bytes() const {
    return packed_ ? file_bytes_ * most_unpacked_per_byte : file_bytes_;
}

// Takes the next bytes from disk; false at the end of the file.
bool PackedFile::refill() {
    const std::size_t count = std::fread(input_.data(), 1, input_.size(), file_.get());
    if (std::ferror(file_.get())) {
        fail(Exit::bad_data, "{}:{}: cannot be read: {}: check the disk", name_, fetched_,
             std::strerror(errno));
    }
    fetched_ += count;
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

std::size_t PackedFile::read_packed(std::span<std::uint8_t> to) {
    std::size_t count = 0;
    while (count < to.size()) {
        if (stream_.avail_in == 0 && !refill()) {
            if (between_streams_) break;
            fail_damaged("the gzip stream is cut short");
        }
        // A gzip file may be several streams one after the other.
        if (between_streams_ && inflateReset(&stream_) != Z_OK)
            fail_damaged("the gzip stream cannot be read");
        between_streams_ = false;
        const auto room = static_cast<uInt>(std::min<std::size_t>(to.size() - count, 1u << 30));
        stream_.next_out = to.data() + count;
        stream_.avail_out = room;
        const int status = inflate(&stream_, Z_NO_FLUSH);
        count += room - stream_.avail_out;
        if (status == Z_STREAM_END) {
            between_streams_ = true;
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            fail_damaged(stream_.msg ? stream_.msg : zError(status));
        }
    }
    return count;
}

}  // namespace siamc
