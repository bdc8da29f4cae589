#include "report/png.h"

#include <openssl/evp.h>
#include <png.h>

#include <vector>

#include "core/error.h"

namespace siamc {
namespace {

std::vector<unsigned char> encode_png(const ImageView& image) {
    png_image description{};
    description.version = PNG_IMAGE_VERSION;
    description.width = static_cast<png_uint_32>(image.width);
    description.height = static_cast<png_uint_32>(image.height);
    description.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(description);
    std::vector<unsigned char> bytes(size);
    if (!png_image_write_to_memory(&description, bytes.data(), &size, 0, image.pixels, 0,
                                   nullptr)) {
        fail(Exit::internal, "an image of {} x {} pixels cannot be made a PNG: {}", image.height,
             image.width, description.message);
    }
    bytes.resize(size);
    return bytes;
}

}  // namespace

std::string png_data_uri(const ImageView& image) {
    if (!image.pixels || image.height < 1 || image.width < 1)
        fail(Exit::internal, "an image of {} x {} pixels has none", image.height, image.width);
    const std::vector<unsigned char> png = encode_png(image);
    std::string text((png.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it with a zero
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), png.data(),
                                       static_cast<int>(png.size()));
    text.resize(static_cast<std::size_t>(length));
    return "data:image/png;base64," + text;
}

}  // namespace siamc
