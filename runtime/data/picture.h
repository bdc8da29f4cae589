// One picture from a file's bytes: PNG, JPEG, or PBM, PGM and PPM.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "siamc/siamc_image.h"

namespace siamc {

struct Picture {
    int height = 0, width = 0, channels = 0;  // 1: grey, 3: red, green, blue
    std::vector<std::uint8_t> pixels;         // [height][width][channels]
};

// Whether a file's name ends as those of pictures do, whatever their capitals.
bool has_picture_name(std::string_view name);

// With as many channels as the caller wants, 1 or 3: colours become grey by siamc_luma, grey three
// equal channels. What shows through is taken as laid on white; 16-bit values are
// rounded to 8. How a camera was held (Exif) is not looked at. `name` is for messages.
//
// bad_data, saying why, if they are no picture of these formats (whatever the file is called), are
// damaged or cut short, or have sides beyond SIAMC_LONGEST_SIDE or over most_picture_pixels pixels;
// out_of_memory.
constexpr std::int64_t most_picture_pixels = 1 << 26;
Picture decode_picture(std::span<const std::uint8_t> bytes, int channels, const std::string& name);

// The same picture as grey, or in colours.
Picture with_channels(Picture picture, int channels);

// The same picture in another size.
std::vector<std::uint8_t> resize(const Picture& picture, int height, int width,
                                 siamc_resize_mode mode);

// "fit", "fill" or "crop", as --resize takes them.
std::optional<siamc_resize_mode> resize_mode(std::string_view word);
std::string resize_word(siamc_resize_mode mode);

}  // namespace siamc
