#include "data/picture.h"

#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "core/error.h"
#include "core/wording.h"
#include "data/image_set.h"
#include "data/netpbm.h"

namespace siamc {
namespace {

using Bytes = std::span<const std::uint8_t>;

static_assert(longest_side == SIAMC_LONGEST_SIDE);

[[noreturn]] void fail_picture(const std::string& name, const std::string& why) {
    fail(Exit::bad_data, "{}: {}: mend or remove it", name, why);
}

void check_sides(const std::string& name, std::int64_t height, std::int64_t width) {
    if (std::min(height, width) >= 1 && std::max<std::int64_t>(height, width) <= longest_side &&
        height * width <= most_picture_pixels)
        return;
    fail_picture(name, fmt::format("announces {} x {} pixels, and pictures have sides of 1 to {} "
                                   "and at most {} pixels",
                                   height, width, longest_side, most_picture_pixels));
}

Picture make_picture(const std::string& name, int height, int width, int channels) {
    Picture picture{height, width, channels, {}};
    try {
        picture.pixels.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) *
                              static_cast<std::size_t>(channels));
    } catch (const std::bad_alloc&) {
        fail(Exit::out_of_memory, "{}: there is not enough memory for its {} x {} pixels", name,
             height, width);
    }
    return picture;
}

Picture decode_png(Bytes bytes, int, const std::string& name) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    const std::unique_ptr<png_image, void (*)(png_image*)> guard(&image, png_image_free);
    if (!png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()))
        fail_picture(name, fmt::format("is no whole PNG ({})", image.message));
    check_sides(name, image.height, image.width);
    const int channels = (image.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1;
    image.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    // Else values of 16 bits would be taken as amounts of light.
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    Picture picture =
        make_picture(name, static_cast<int>(image.height), static_cast<int>(image.width), channels);
    const png_color white = {255, 255, 255};
    if (!png_image_finish_read(&image, &white, picture.pixels.data(), 0, nullptr))
        fail_picture(name, fmt::format("is no whole PNG ({})", image.message));
    return picture;
}

Picture decode_jpeg(Bytes bytes, int channels, const std::string& name) {
    const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
    if (!decoder) fail(Exit::out_of_memory, "{}: there is not enough memory to unpack it", name);
    int width = 0, height = 0, sampling = 0, space = 0;
    const auto size = static_cast<unsigned long>(bytes.size());
    if (tjDecompressHeader3(decoder.get(), bytes.data(), size, &width, &height, &sampling,
                            &space) != 0)
        fail_picture(
            name, fmt::format("is no JPEG that can be read ({})", tjGetErrorStr2(decoder.get())));
    if (width == 0 || height == 0) fail_picture(name, "is a JPEG that ends within its header");
    check_sides(name, height, width);
    if (space == TJCS_CMYK || space == TJCS_YCCK)
        fail_picture(name, "is a JPEG of four inks, for printers; save it as grey or RGB");
    if (space == TJCS_GRAY) channels = 1;
    Picture picture = make_picture(name, height, width, channels);
    // A warning is damage, or an end that is missing.
    if (tjDecompress2(decoder.get(), bytes.data(), size, picture.pixels.data(), width, 0, height,
                      channels == 3 ? TJPF_RGB : TJPF_GRAY, TJFLAG_ACCURATEDCT) != 0)
        fail_picture(name, fmt::format("is a damaged JPEG ({})", tjGetErrorStr2(decoder.get())));
    return picture;
}

Picture decode_netpbm(Bytes bytes, int, const std::string& name) {
    Netpbm netpbm(bytes);
    if (const char* why = netpbm.read_header()) fail_picture(name, why);
    check_sides(name, netpbm.height(), netpbm.width());
    Picture picture = make_picture(name, static_cast<int>(netpbm.height()),
                                   static_cast<int>(netpbm.width()), netpbm.channels());
    if (const char* why = netpbm.read_pixels(picture.pixels)) fail_picture(name, why);
    return picture;
}

struct PictureFormat {
    std::string_view start;
    Picture (*decode)(Bytes bytes, int channels, const std::string& name);
};

constexpr std::array<PictureFormat, 8> picture_formats = {{
    {"\x89PNG", decode_png},
    {"\xFF\xD8\xFF", decode_jpeg},
    {"P1", decode_netpbm},
    {"P2", decode_netpbm},
    {"P3", decode_netpbm},
    {"P4", decode_netpbm},
    {"P5", decode_netpbm},
    {"P6", decode_netpbm},
}};

}  // namespace

bool has_picture_name(std::string_view name) {
    const std::string small = lower(name);
    for (const std::string_view ending : {".png", ".jpg", ".jpeg", ".pbm", ".pgm", ".ppm", ".pnm"})
        if (small.size() > ending.size() && small.ends_with(ending)) return true;
    return false;
}

Picture decode_picture(Bytes bytes, int channels, const std::string& name) {
    for (const PictureFormat& format : picture_formats)
        if (bytes.size() >= format.start.size() &&
            std::memcmp(bytes.data(), format.start.data(), format.start.size()) == 0)
            return with_channels(format.decode(bytes, channels, name), channels);
    fail_picture(name, bytes.empty() ? "is empty" : "is neither PNG, JPEG, PBM, PGM nor PPM");
}

Picture with_channels(Picture picture, int channels) {
    if (picture.channels == channels) return picture;
    const std::size_t count = picture.pixels.size() / static_cast<std::size_t>(picture.channels);
    std::vector<std::uint8_t> pixels(count * static_cast<std::size_t>(channels));
    for (std::size_t i = 0; i < count; ++i) {
        if (channels == 1) {
            const std::uint8_t* rgb = &picture.pixels[3 * i];
            pixels[i] = siamc_luma(rgb[0], rgb[1], rgb[2]);
        } else {
            std::fill_n(&pixels[3 * i], 3, picture.pixels[i]);
        }
    }
    return {picture.height, picture.width, channels, std::move(pixels)};
}

std::vector<std::uint8_t> resize(const Picture& picture, int height, int width,
                                 siamc_resize_mode mode) {
    const int channels = picture.channels;
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height * width * channels));
    const std::size_t bytes =
        siamc_resize_scratch(picture.height, picture.width, channels, height, width);
    std::vector<std::int32_t> scratch(bytes / sizeof(std::int32_t) + 1);
    siamc_resize(picture.pixels.data(), picture.height, picture.width, channels, pixels.data(),
                 height, width, mode, scratch.data());
    return pixels;
}

std::optional<siamc_resize_mode> resize_mode(std::string_view word) {
    if (word == "fit") return SIAMC_FIT;
    if (word == "fill") return SIAMC_FILL;
    if (word == "crop") return SIAMC_CROP;
    return {};
}

std::string resize_word(siamc_resize_mode mode) {
    return mode == SIAMC_FIT ? "fit" : mode == SIAMC_FILL ? "fill" : "crop";
}

}  // namespace siamc
