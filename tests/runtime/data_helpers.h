// What the tests of data sets and samplers share.
#pragma once

#include <stdlib.h>
#include <zlib.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/error.h"

namespace siamc::test {

using Bytes = std::vector<std::uint8_t>;

// A folder of its own that goes with the object.
class TempFolder {
  public:
    TempFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "siamc-test-XXXXXX").string();
        if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder " + name);
        path_ = name;
    }
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path write(const std::string& name, const Bytes& bytes) const {
        const std::filesystem::path file = path_ / name;
        std::ofstream stream(file, std::ios::binary);
        stream.write(reinterpret_cast<const char*>(bytes.data()),
                     static_cast<std::streamsize>(bytes.size()));
        if (!stream.flush()) throw std::runtime_error("cannot write " + file.string());
        return file;
    }

  private:
    std::filesystem::path path_;
};

inline Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

// An IDX header of unsigned bytes.
inline Bytes idx_header(std::initializer_list<std::uint32_t> dimensions) {
    Bytes bytes = {0, 0, 8, static_cast<std::uint8_t>(dimensions.size())};
    for (const std::uint32_t value : dimensions) {
        for (const int shift : {24, 16, 8, 0})
            bytes.push_back(static_cast<std::uint8_t>(value >> shift & 255));
    }
    return bytes;
}

// One gzip stream, of the bytes and then so many zeros, which take no memory here.
inline Bytes gzipped(const Bytes& bytes, std::size_t zeros = 0) {
    z_stream stream{};
    if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::runtime_error("zlib cannot start");
    Bytes packed(deflateBound(&stream, static_cast<uLong>(bytes.size())) + zeros / 500 + 1024);
    stream.next_out = packed.data();
    stream.avail_out = static_cast<uInt>(packed.size());
    const auto pack = [&](const Bytes& part, int flush) {
        stream.next_in = const_cast<Bytef*>(part.data());
        stream.avail_in = static_cast<uInt>(part.size());
        return deflate(&stream, flush);
    };
    pack(bytes, Z_NO_FLUSH);
    const Bytes block(1 << 16);
    for (; zeros > block.size(); zeros -= block.size()) pack(block, Z_NO_FLUSH);
    const int status = pack(Bytes(zeros), Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    if (status != Z_STREAM_END) throw std::runtime_error("zlib cannot pack");
    return packed;
}

// How a call fails; code ok and no message if it doesn't.
struct Failure {
    Exit code = Exit::ok;
    std::string message;

    bool mentions(const std::string& text) const { return message.find(text) != message.npos; }
};

template <typename Call>
Failure failure_of(Call&& call) {
    try {
        call();
    } catch (const Error& error) {
        return {error.code(), error.what()};
    }
    return {};
}

// Pearson's statistic of counts that should be equal.
inline double chi_square(const std::vector<long>& counts) {
    double total = 0, sum = 0;
    for (const long count : counts) total += static_cast<double>(count);
    const double expected = total / static_cast<double>(counts.size());
    for (const long count : counts)
        sum += (static_cast<double>(count) - expected) * (static_cast<double>(count) - expected);
    return sum / expected;
}

// What the statistic stays below but for one time in a million, when the counts are equally likely
// (Wilson and Hilferty's approximation). The tests are seeded, so one that passes always passes.
inline double chi_square_bound(std::size_t counts) {
    const double freedom = static_cast<double>(counts) - 1;
    const double spread = 2 / (9 * freedom);
    return freedom * std::pow(1 - spread + 4.753 * std::sqrt(spread), 3);
}

inline bool roughly_equal(const std::vector<long>& counts) {
    return chi_square(counts) <= chi_square_bound(counts.size());
}

}  // namespace siamc::test
