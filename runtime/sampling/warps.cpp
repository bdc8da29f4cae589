#include "sampling/warps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

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

// A number from -most to most.
double within(double most, Random& random) {
    return most * (2 * static_cast<double>(random.uniform()) - 1);
}

// Maps what is right and down of an image's middle.
struct Matrix {
    double xx = 1, xy = 0, yx = 0, yy = 1;

    Matrix operator*(const Matrix& first) const {
        return {xx * first.xx + xy * first.yx, xx * first.xy + xy * first.yy,
                yx * first.xx + yy * first.yx, yx * first.xy + yy * first.yy};
    }
};

// Turned, stretched, slanted, mirrored. All numbers are drawn, whatever is asked for.
Matrix drawn_matrix(const Warp& warp, Random& random) {
    const double angle = within(warp.rotate, random) * std::numbers::pi / 180;
    const Matrix turn = {std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle)};
    const double wide = std::exp(within(warp.scale, random));
    const double high = std::exp(within(warp.scale, random));
    const Matrix slant = {1, within(warp.shear, random), 0, 1};
    const bool mirrored = static_cast<double>(random.uniform()) < warp.flip;
    return turn * Matrix{wide, 0, 0, high} * slant * Matrix{mirrored ? -1.0 : 1.0, 0, 0, 1};
}

// Where the pixels at the grid's points come from.
Grid sources(int height, int width, const Warp& warp, const Matrix& drawn, Random random) {
    Matrix affine;
    affine.xx += within(warp.affine, random);
    affine.xy += within(warp.affine, random);
    affine.yx += within(warp.affine, random);
    affine.yy += within(warp.affine, random);
    const Matrix map = affine * drawn;
    const double middle_x = (width - 1) / 2.0, middle_y = (height - 1) / 2.0;
    Grid grid;
    for (int row = 0; row < points; ++row) {
        for (int column = 0; column < points; ++column) {
            const double x = edge(column, width) - middle_x;
            const double y = edge(row, height) - middle_y;
            const double from_x = middle_x + map.xx * x + map.xy * y + within(warp.elastic, random);
            const double from_y = middle_y + map.yx * x + map.yy * y + within(warp.elastic, random);
            grid[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] = {
                static_cast<std::int32_t>(std::lround(from_x * one)),
                static_cast<std::int32_t>(std::lround(from_y * one))};
        }
    }
    return grid;
}

// Of each channel the median of the image's edge: as siamc_resize fills margins.
using Colour = std::array<std::uint8_t, 3>;

Colour background_of(const ImageSet& images, const std::uint8_t* image) {
    Colour colour{};
    for (int c = 0; c < images.channels; ++c) {
        std::array<int, 256> counts{};
        int all = 0;
        const auto count = [&](int x, int y) {
            ++counts[image[(y * images.width + x) * images.channels + c]];
            ++all;
        };
        for (int x = 0; x < images.width; ++x) {
            count(x, 0);
            if (images.height > 1) count(x, images.height - 1);
        }
        for (int y = 1; y + 1 < images.height; ++y) {
            count(0, y);
            if (images.width > 1) count(images.width - 1, y);
        }
        int value = 0;
        for (int below = counts[0]; 2 * below <= all && value < 255;)
            below += counts[static_cast<std::size_t>(++value)];
        colour[static_cast<std::size_t>(c)] = static_cast<std::uint8_t>(value);
    }
    return colour;
}

// What is added a step from one place to another in so many steps.
Place step(Place from, Place to, int steps) {
    return {(to.x - from.x) / steps, (to.y - from.y) / steps};
}

// A channel of the four pixels around the place, weighted by how near they are. `image`: from that
// channel of the first pixel on.
std::uint8_t interpolate(const ImageSet& images, const std::uint8_t* image, Place place,
                         std::uint8_t outside) {
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
        return x >= 0 && x < width && y >= 0 && y < height ? image[(y * width + x) * channels]
                                                           : outside;
    };
    return mix(pixel(left, top), pixel(left + 1, top), pixel(left, top + 1),
               pixel(left + 1, top + 1));
}

// The part of an image outside of which it is background.
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

Box inked(const ImageSet& images, const std::uint8_t* image, const Colour& background) {
    Box box = {images.width, -1, images.height, -1};
    for (int y = 0; y < images.height; ++y) {
        for (int x = 0; x < images.width; ++x) {
            const std::uint8_t* pixel = image;
            image += images.channels;
            if (std::equal(pixel, image, background.begin())) continue;
            box.left = std::min(box.left, x);
            box.right = std::max(box.right, x);
            box.top = std::min(box.top, y);
            box.bottom = y;
        }
    }
    return box;
}

// An image to be deformed.
struct Source {
    const ImageSet& images;
    const std::uint8_t* image;
    Colour background;
    Box box;
};

// A row of pixels, from places on the line through those of the grid. Returns where it ends.
std::uint8_t* warp_row(const Source& source, const std::array<Place, points>& line,
                       std::uint8_t* to) {
    const int channels = source.images.channels;
    for (std::size_t column = 0; column < cells; ++column) {
        const int left = edge(static_cast<int>(column), source.images.width);
        const int pixels = edge(static_cast<int>(column) + 1, source.images.width) - left;
        if (pixels == 0) continue;
        if (source.box.misses(line[column], line[column + 1])) {
            for (int x = 0; x < pixels; ++x)
                to = std::copy_n(source.background.begin(), channels, to);
            continue;
        }
        Place place = line[column];
        const Place right = step(line[column], line[column + 1], pixels);
        for (int x = 0; x < pixels; ++x, place.x += right.x, place.y += right.y)
            for (int c = 0; c < channels; ++c)
                *to++ = interpolate(source.images, source.image + c, place,
                                    source.background[static_cast<std::size_t>(c)]);
    }
    return to;
}

void warp_all(const Source& source, const Grid& grid, std::uint8_t* to) {
    for (std::size_t row = 0; row < cells; ++row) {
        const int top = edge(static_cast<int>(row), source.images.height);
        const int rows = edge(static_cast<int>(row) + 1, source.images.height) - top;
        if (rows == 0) continue;  // of an image that is smaller than the grid
        std::array<Place, points> line = grid[row], down;
        for (std::size_t column = 0; column < points; ++column)
            down[column] = step(grid[row][column], grid[row + 1][column], rows);
        for (int y = 0; y < rows; ++y) {
            to = warp_row(source, line, to);
            for (std::size_t column = 0; column < points; ++column) {
                line[column].x += down[column].x;
                line[column].y += down[column].y;
            }
        }
    }
}

// A rectangle, up to three times as long as it is wide, becomes background.
void erase_part(const Source& source, double most, Random& random, std::uint8_t* image) {
    const int height = source.images.height, width = source.images.width;
    const double share = most * static_cast<double>(random.uniform());
    const double longer = std::exp(within(std::log(3.0) / 2, random));
    const auto extent = [](double of, int all) {
        return std::clamp(static_cast<int>(std::lround(of * all)), 0, all);
    };
    const int rows = extent(std::sqrt(share) * longer, height);
    const int columns = extent(std::sqrt(share) / longer, width);
    const int top = random.between(0, height - rows), left = random.between(0, width - columns);
    for (int y = top; y < top + rows; ++y)
        for (int x = left; x < left + columns; ++x)
            std::copy_n(source.background.begin(), source.images.channels,
                        image + (y * width + x) * source.images.channels);
}

void brighten(double most, Random& random, std::uint8_t* image, std::size_t bytes) {
    const double factor = 1 + within(most, random);
    std::array<std::uint8_t, 256> becomes{};
    for (std::size_t value = 0; value < 256; ++value)
        becomes[value] = static_cast<std::uint8_t>(
            std::clamp(std::lround(factor * static_cast<double>(value)), 0L, 255L));
    for (std::size_t i = 0; i < bytes; ++i) image[i] = becomes[image[i]];
}

}  // namespace

std::span<const WarpKind> warp_kinds() {
    static constexpr WarpKind kinds[] = {
        {"affine", &Warp::affine, 0.4, "",
         "random turns, stretches and slants of training images, in shares of their size"},
        {"elastic", &Warp::elastic, 4, "pixels", "random moves of their parts against each other"},
        {"rotate", &Warp::rotate, 180, "degrees", "random turns, either way"},
        {"scale", &Warp::scale, 0.5, "",
         "height and width each times e^-SCALE to e^SCALE, at random"},
        {"shear", &Warp::shear, 0.5, "", "random slants: pixels aside for a pixel up"},
        {"flip", &Warp::flip, 1, "", "share of training images that are mirrored, left for right"},
        {"erase", &Warp::erase, 0.5, "",
         "a rectangle of up to that share of a training image becomes background"},
        {"brightness", &Warp::brightness, 0.9, "", "their pixels times 1 less to 1 more that"},
    };
    return kinds;
}

bool Warp::is_none() const {
    const auto kinds = warp_kinds();
    return std::all_of(kinds.begin(), kinds.end(),
                       [&](const WarpKind& kind) { return this->*kind.amount == 0; });
}

void ImageWarper::warp(std::uint32_t epoch, long number, std::uint8_t* to) const {
    const std::uint8_t* image = images_.image(number);
    const auto index = static_cast<std::uint32_t>(number);
    const Colour background = background_of(images_, image);
    const Source source = {images_, image, background, inked(images_, image, background)};
    Random drawn(seed_, Stream::drawing, epoch, index);
    const Matrix matrix = drawn_matrix(warp_, drawn);
    warp_all(source,
             sources(images_.height, images_.width, warp_, matrix,
                     Random(seed_, Stream::warps, epoch, index)),
             to);
    if (warp_.erase > 0) erase_part(source, warp_.erase, drawn, to);
    if (warp_.brightness > 0) brighten(warp_.brightness, drawn, to, images_.image_bytes());
}

}  // namespace siamc
