// Pictures, and zips of them, for tests.
#pragma once

#include <png.h>
#include <zip.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/data_helpers.h"

namespace siamc::test {

inline Bytes png(const Bytes& pixels, int height, int width, png_uint_32 format) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.height = static_cast<png_uint_32>(height);
    image.width = static_cast<png_uint_32>(width);
    image.format = format;
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    Bytes bytes(size);
    if (!png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr))
        throw std::runtime_error(image.message);
    bytes.resize(size);
    return bytes;
}

// A grey picture of one value.
inline Bytes plain_png(std::uint8_t value, int height = 2, int width = 2) {
    return png(Bytes(static_cast<std::size_t>(height * width), value), height, width,
               PNG_FORMAT_GRAY);
}

using NamedBytes = std::vector<std::pair<std::string, Bytes>>;

inline void write_zip(const std::filesystem::path& path, const NamedBytes& files) {
    zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
    if (!archive) throw std::runtime_error("cannot write " + path.string());
    for (const auto& [name, bytes] : files) {
        zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
        if (zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8) < 0)
            throw std::runtime_error(zip_strerror(archive));
    }
    if (zip_close(archive) != 0) throw std::runtime_error("cannot close " + path.string());
}

inline void write_files(const TempFolder& folder, const NamedBytes& files) {
    for (const auto& [name, bytes] : files) {
        std::filesystem::create_directories((folder.path() / name).parent_path());
        folder.write(name, bytes);
    }
}

}  // namespace siamc::test
