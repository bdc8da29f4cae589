// Images as parts of an HTML page.
#pragma once

#include <cstdint>
#include <string>

namespace siamc {

// Pixels as data sets store them: one byte each, 0 black, rows top down. The owner must outlive it.
struct ImageView {
    const std::uint8_t* pixels = nullptr;
    int height = 0, width = 0;
    int channels = 1;  // or 3: red, green, blue
};

// The image as "data:image/png;base64,..." . internal if libpng refuses it (no pixels).
std::string png_data_uri(const ImageView& image);

}  // namespace siamc
