#include "sampling/warps.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "sampling/random.h"

namespace siamc {

namespace {

constexpr int cells = 4, points = cells + 1;  // of the grid, each way
constexpr int fraction_bits = 16;
constexpr std::int32_t one = 1 << fraction_bits;  // a pixel
constexpr int weight_bits = 8;                    // what of a fraction interpolation looks at

// A place in the image, right and down, in 65536ths of a pixel.
struct Place {
    std::int32_t x, y;
};
using Grid = std::array<std::array<Place, points>, points>;

// The pixel that a line of the grid goes through.
constexpr int edge(int number, int size) {
    return number * size / cells;
}

// Where the pixels at the grid's points come from.
Grid sources(int height, int width, const Warp& warp, Random random) {
    const auto within = [&](double most) {
        return most * (2 * static_cast<double>(random.uniform()) - 1);
    };
    const double xx = 1 + within(warp.affine), xy = within(warp.affine);
    const double yx = within(warp.affine), yy = 1 + within(warp.affine);
    const double middle_x = (width - 1) / 2.0, middle_y = (height - 1) / 2.0;
    Grid grid;
    for (int row = 0; row < points; ++row) {
        for (int column = 0; column < points; ++column) {
            const double x = edge(column, width) - middle_x;
            const double y = edge(row, height) - middle_y;
            const double from_x = middle_x + xx * x + xy * y + within(warp.elastic);
            const double from_y = middle_y + yx * x + yy * y + within(warp.elastic);
            grid[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] = {
                static_cast<std::int32_t>(std::lround(from_x * one)),
                static_cast<std::int32_t>(std::lround(from_y * one))};
        }
    }
    return grid;
}

// What is added a step from one place to another in so many steps.
Place step(Place from, Place to, int steps) {
    return {(to.x - from.x) / steps, (to.y - from.y) / steps};
}

// A channel of the four pixels around the place, weighted by how near they are. `image`: from that
// channel of the first pixel on.
std::uint8_t interpolate(const ImageSet& images, const std::uint8_t* image, Place place) {
    const int height = images.height, width = images.width, channels = images.channels;
    const int left = place.x >> fraction_bits, top = place.y >> fraction_bits;
    const auto share = [](std::int32_t at) {
        return (at & (one - 1)) >> (fraction_bits - weight_bits);
    };
    const std::int32_t right = share(place.x), below = share(place.y), whole = 1 << weight_bits;
    const auto mix = [&](std::int32_t a, std::int32_t b, std::int32_t c, std::int32_t d) {
        const std::int32_t upper = a * whole + (b - a) * right, lower = c * whole + (d - c) * right;
        const std::int32_t sum = upper * whole + (lower - upper) * below;
        return static_cast<std::uint8_t>((sum + whole * whole / 2) >> (2 * weight_bits));
    };
    if (left >= 0 && left + 1 < width && top >= 0 && top + 1 < height) {
        const std::uint8_t *upper = image + (top * width + left) * channels,
                           *lower = upper + width * channels;
        return mix(upper[0], upper[channels], lower[0], lower[channels]);
    }
    const auto pixel = [&](int x, int y) -> std::int32_t {
        return x >= 0 && x < width && y >= 0 && y < height ? image[(y * width + x) * channels] : 0;
    };
    return mix(pixel(left, top), pixel(left + 1, top), pixel(left, top + 1),
               pixel(left + 1, top + 1));
}

// The part of an image outside of which it is 0.
struct Box {
    int left, right, top, bottom;  // all of them included; left > right if there is nothing

    // Whether all that lies between two places, each with the pixels around it, is outside.
    bool misses(Place a, Place b) const {
        const auto least = [](std::int32_t one_of, std::int32_t other) {
            return std::min(one_of, other) >> fraction_bits;
        };
        const auto most = [](std::int32_t one_of, std::int32_t other) {
            return (std::max(one_of, other) >> fraction_bits) + 1;
        };
        return most(a.x, b.x) < left || least(a.x, b.x) > right || most(a.y, b.y) < top ||
               least(a.y, b.y) > bottom;
    }
};

Box inked(const ImageSet& images, const std::uint8_t* image) {
    Box box = {images.width, -1, images.height, -1};
    for (int y = 0; y < images.height; ++y) {
        for (int x = 0; x < images.width; ++x) {
            const std::uint8_t* pixel = image;
            image += images.channels;
            if (std::all_of(pixel, image, [](std::uint8_t value) { return value == 0; })) continue;
            box.left = std::min(box.left, x);
            box.right = std::max(box.right, x);
            box.top = std::min(box.top, y);
            box.bottom = y;
        }
    }
    return box;
}

// A row of pixels, from places on the line through those of the grid. Returns where it ends.
std::uint8_t* warp_row(const ImageSet& images, const std::uint8_t* image, const Box& box,
                       const std::array<Place, points>& line, std::uint8_t* to) {
    for (std::size_t column = 0; column < cells; ++column) {
        const int left = edge(static_cast<int>(column), images.width);
        const int pixels = edge(static_cast<int>(column) + 1, images.width) - left;
        if (pixels == 0) continue;
        if (box.misses(line[column], line[column + 1])) {
            to = std::fill_n(to, pixels * images.channels, std::uint8_t{0});
            continue;
        }
        Place place = line[column];
        const Place right = step(line[column], line[column + 1], pixels);
        for (int x = 0; x < pixels; ++x, place.x += right.x, place.y += right.y)
            for (int c = 0; c < images.channels; ++c) *to++ = interpolate(images, image + c, place);
    }
    return to;
}

}  // namespace

void ImageWarper::warp(std::uint32_t epoch, long number, std::uint8_t* to) const {
    const int height = images_.height;
    const std::uint8_t* image = images_.image(number);
    const Box box = inked(images_, image);
    const Random random(seed_, Stream::warps, epoch, static_cast<std::uint32_t>(number));
    const Grid grid = sources(height, images_.width, warp_, random);
    for (std::size_t row = 0; row < cells; ++row) {
        const int top = edge(static_cast<int>(row), height);
        const int rows = edge(static_cast<int>(row) + 1, height) - top;
        if (rows == 0) continue;  // of an image that is smaller than the grid
        std::array<Place, points> line = grid[row], down;
        for (std::size_t column = 0; column < points; ++column)
            down[column] = step(grid[row][column], grid[row + 1][column], rows);
        for (int y = 0; y < rows; ++y) {
            to = warp_row(images_, image, box, line, to);
            for (std::size_t column = 0; column < points; ++column) {
                line[column].x += down[column].x;
                line[column].y += down[column].y;
            }
        }
    }
}

}  // namespace siamc
