// Deformed training images, held to a slow calculation in double.
#include <cmath>
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

double pixel(const ImageSet& set, long number, int x, int y) {
    if (x < 0 || y < 0 || x >= set.width || y >= set.height) return 0;
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

TEST_CASE("a deformation depends on seed, epoch and image alone", "[samplers]") {
    const ImageSet set = smooth_images(28, 28);
    const Warp warp{0.1, 1};
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
