// Deformed training images, held to a slow calculation in double.
#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "catch.h"
#include "sampling/random.h"
#include "sampling/warps.h"

using namespace siamc;

namespace {

ImageSet smooth_images(int height, int width) {
    ImageSet set{height, width, {}, {}};
    for (int i = 0; i < 3; ++i) {
        set.labels.push_back(i);
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                set.pixels.push_back(static_cast<std::uint8_t>(127.5 + 60 * std::sin(0.3 * x + i) +
                                                               60 * std::cos(0.4 * y - i)));
    }
    return set;
}

std::vector<std::uint8_t> warped(const ImageSet& set, Warp warp, std::uint32_t epoch, long number,
                                 std::uint64_t seed = 5) {
    std::vector<std::uint8_t> out(set.image_bytes());
    ImageWarper(set, warp, seed).warp(epoch, number, out.data());
    return out;
}

// The median of the edge's pixels; of an even number the higher of the two in the middle.
double background(const ImageSet& set, long number) {
    std::vector<std::uint8_t> edge;
    for (int y = 0; y < set.height; ++y)
        for (int x = 0; x < set.width; ++x)
            if (x == 0 || y == 0 || x == set.width - 1 || y == set.height - 1)
                edge.push_back(set.image(number)[y * set.width + x]);
    std::sort(edge.begin(), edge.end());
    return edge[edge.size() / 2];
}

double pixel(const ImageSet& set, long number, int x, int y) {
    if (x < 0 || y < 0 || x >= set.width || y >= set.height) return background(set, number);
    return set.image(number)[y * set.width + x];
}

double interpolated(const ImageSet& set, long number, double x, double y) {
    const double left = std::floor(x), top = std::floor(y);
    double sum = 0;
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j)
            sum += (1 - std::abs(x - left - i)) * (1 - std::abs(y - top - j)) *
                   pixel(set, number, static_cast<int>(left) + i, static_cast<int>(top) + j);
    return sum;
}

// The four numbers of an affine map, as the warper draws them for the image: its first ones.
struct Map {
    double xx, xy, yx, yy;
};

Map drawn(double affine, std::uint32_t epoch, long number) {
    Random random(5, Stream::warps, epoch, static_cast<std::uint32_t>(number));
    const auto next = [&] { return affine * (2.0 * static_cast<double>(random.uniform()) - 1); };
    Map map{};
    map.xx = 1 + next();
    map.xy = next();
    map.yx = next();
    map.yy = 1 + next();
    return map;
}

}  // namespace

TEST_CASE("images that are not to be deformed stay as they are", "[samplers]") {
    for (const auto& [height, width] : {std::pair{28, 28}, {9, 14}, {3, 2}, {1, 1}}) {
        const ImageSet set = smooth_images(height, width);
        for (long number = 0; number < 3; ++number) {
            const std::vector<std::uint8_t> same = warped(set, {}, 1, number);
            CHECK(std::equal(same.begin(), same.end(), set.image(number)));
        }
    }
}

TEST_CASE("an affine map is taken around the image's middle", "[samplers]") {
    for (const auto& [height, width] : {std::pair{28, 28}, {30, 21}}) {
        const ImageSet set = smooth_images(height, width);
        for (long number = 0; number < 3; ++number) {
            const Map map = drawn(0.15, 2, number);
            const std::vector<std::uint8_t> out = warped(set, {0.15, 0}, 2, number);
            int moved = 0;
            for (int y = 0; y < height; ++y) {
                for (int x = 0; x < width; ++x) {
                    const double right = x - (width - 1) / 2.0, down = y - (height - 1) / 2.0;
                    const double from_x = (width - 1) / 2.0 + map.xx * right + map.xy * down;
                    const double from_y = (height - 1) / 2.0 + map.yx * right + map.yy * down;
                    // At the edge a hundredth of a pixel is a few grey levels.
                    const bool inside =
                        from_x > 0 && from_y > 0 && from_x < width - 1 && from_y < height - 1;
                    const double is = out[static_cast<std::size_t>(y * width + x)];
                    REQUIRE(!(std::abs(is - interpolated(set, number, from_x, from_y)) >
                              (inside ? 1.5 : 4)));
                    moved += std::abs(is - pixel(set, number, x, y)) > 8;
                }
            }
            CHECK(moved > height * width / 10);
        }
    }
}

TEST_CASE("elastic moves are as long as was said and differ over the image", "[samplers]") {
    // A slope tells how far to the side a pixel's source is.
    ImageSet slope{28, 28, {}, {0}};
    for (int i = 0; i < 784; ++i) slope.pixels.push_back(static_cast<std::uint8_t>(9 * (i % 28)));
    double farthest = 0;
    bool left = false, right = false;
    for (std::uint32_t epoch = 0; epoch < 20; ++epoch) {
        const std::vector<std::uint8_t> out = warped(slope, {0, 1.5}, epoch, 0);
        for (int y = 3; y < 25; ++y) {
            for (int x = 3; x < 25; ++x) {
                const double moved = out[static_cast<std::size_t>(28 * y + x)] / 9.0 - x;
                REQUIRE(!(std::abs(moved) > 1.5 + 0.1));
                farthest = std::max(farthest, std::abs(moved));
                left = left || moved < -0.5;
                right = right || moved > 0.5;
            }
        }
    }
    CHECK(farthest > 1);
    CHECK(left);
    CHECK(right);
}

TEST_CASE("turns, sizes and slants are as far as was said, around the middle", "[warps]") {
    // Two slopes tell where a pixel near the middle is from; what is asked for is all there is.
    ImageSet right{29, 29, {}, {0}}, down{29, 29, {}, {0}};
    for (int y = 0; y < 29; ++y)
        for (int x = 0; x < 29; ++x) {
            right.pixels.push_back(static_cast<std::uint8_t>(8 * x + 10));
            down.pixels.push_back(static_cast<std::uint8_t>(8 * y + 10));
        }
    const auto from = [&](Warp warp, std::uint32_t epoch, int x, int y) {
        const std::size_t at = static_cast<std::size_t>(29 * (14 + y) + 14 + x);
        return std::pair{(warped(right, warp, epoch, 0)[at] - 10) / 8.0 - 14,
                         (warped(down, warp, epoch, 0)[at] - 10) / 8.0 - 14};
    };
    double widest_turn = 0, most_scaled = 0, most_slanted = 0;
    int mirrored = 0;
    constexpr int epochs = 60;
    for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
        const auto [tx, ty] = from({.rotate = 30}, epoch, 8, 0);
        CHECK(std::abs(std::hypot(tx, ty) - 8) < 0.2);
        CHECK(std::abs(std::atan2(ty, tx)) < 30.5 / 180 * 3.1415926);
        widest_turn = std::max(widest_turn, std::abs(std::atan2(ty, tx)) / 3.1415926 * 180);
        const auto [sx, sy] = from({.scale = 0.3}, epoch, 8, 4);
        for (const double ratio : {sx / 8, sy / 4}) {
            CHECK(std::abs(std::log(ratio)) < 0.33);
            most_scaled = std::max(most_scaled, std::abs(std::log(ratio)));
        }
        const auto [hx, hy] = from({.shear = 0.4}, epoch, 0, 8);
        CHECK(std::abs(hy - 8) < 0.1);
        CHECK(std::abs(hx) < 0.4 * 8 + 0.1);
        most_slanted = std::max(most_slanted, std::abs(hx) / 8);
        const auto [fx, fy] = from({.flip = 0.25}, epoch, 5, 3);
        CHECK(std::abs(std::abs(fx) - 5) < 1e-9);
        CHECK(std::abs(fy - 3) < 1e-9);
        mirrored += fx < 0;
    }
    CHECK(widest_turn > 25);
    CHECK(most_scaled > 0.25);
    CHECK(most_slanted > 0.34);
    CHECK(mirrored > 4);
    CHECK(mirrored < 28);
}

TEST_CASE("parts are erased, pixels are brightened", "[warps]") {
    ImageSet set{20, 30, std::vector<std::uint8_t>(600, 100), {0}};
    for (int x = 0; x < 30; ++x) set.pixels[static_cast<std::size_t>(x)] = 7;  // the upper edge
    for (int y = 0; y < 20; ++y)
        for (const int x : {0, 29}) set.pixels[static_cast<std::size_t>(30 * y + x)] = 7;
    CHECK(background(set, 0) == 7);
    std::size_t largest = 0;
    std::map<int, int> values;
    for (std::uint32_t epoch = 0; epoch < 50; ++epoch) {
        const std::vector<std::uint8_t> gone = warped(set, {.erase = 0.3}, epoch, 0);
        std::size_t erased = 0;
        for (std::size_t i = 0; i < 600; ++i) {
            REQUIRE((gone[i] == set.pixels[i] || gone[i] == 7));
            erased += gone[i] != set.pixels[i];
        }
        CHECK(erased <= 600 * 3 / 10 + 30);
        largest = std::max(largest, erased);
        const std::vector<std::uint8_t> bright = warped(set, {.brightness = 0.2}, epoch, 0);
        ++values[bright[310]];
        CHECK(bright[310] >= 80);
        CHECK(bright[310] <= 120);
        CHECK(std::abs(bright[0] - 7 * bright[310] / 100.0) < 0.6);
    }
    CHECK(largest > 600 / 6);
    CHECK(values.begin()->first < 86);
    CHECK(values.rbegin()->first > 114);
}

TEST_CASE("a deformation depends on seed, epoch and image alone", "[samplers]") {
    const ImageSet set = smooth_images(28, 28);
    const Warp warp{0.1, 1, 10, 0.1, 0.1, 0.5, 0.1, 0.1};
    const auto once = warped(set, warp, 3, 1);
    warped(set, warp, 0, 0);
    CHECK(warped(set, warp, 3, 1) == once);
    CHECK(warped(set, warp, 4, 1) != once);
    CHECK(warped(set, warp, 3, 1, 6) != once);
    ImageSet twice = set;
    std::copy_n(set.image(1), 784, &twice.pixels[2 * 784]);
    CHECK(warped(twice, warp, 3, 2) != once);
}

TEST_CASE("each channel is warped as a grey image of it", "[warps]") {
    const ImageSet grey = smooth_images(13, 17);
    ImageSet colours{grey.height, grey.width, {}, grey.labels, 3};
    const long images = grey.size();
    const std::size_t pixels = grey.image_bytes();
    const auto shown = [&](long image, int channel) {
        return grey.image((image + channel) % images);
    };
    for (long i = 0; i < images; ++i)
        for (std::size_t p = 0; p < pixels; ++p)
            for (int c = 0; c < 3; ++c) colours.pixels.push_back(shown(i, c)[p]);
    const Warp warp{0.2, 1.0};
    for (long i = 0; i < images; ++i) {
        const auto all = warped(colours, warp, 2, i);
        for (int c = 0; c < 3; ++c) {
            ImageSet one = grey;  // what is warped is chosen by the number alone
            std::copy_n(shown(i, c), pixels, one.pixels.begin() + i * static_cast<long>(pixels));
            const auto expected = warped(one, warp, 2, i);
            for (std::size_t p = 0; p < pixels; ++p) REQUIRE(all[3 * p + c] == expected[p]);
        }
    }
}
