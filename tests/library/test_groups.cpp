// Grouped, depthwise and dilated convolutions through a library's C interface, against double
// precision.
#include <algorithm>
#include <cmath>

#include "catch.h"
#include "groups.h"
#include "library/fixture.h"
#include "library/reference.h"

using namespace siamc;
using namespace siamc::test;

namespace {

constexpr double tolerance = 1e-5;  // as test_results.cpp
constexpr int tuples = 3;
constexpr std::size_t embedding_size = GROUPS_EMBEDDING;
constexpr double contrastive_margin = 1, triplet_margin = 1;  // as groups.toml

struct Convolution {
    int inputs, filters, groups, height, width, stride, dilation;
    long kernel, bias;  // offsets in floats
};

// As groups.toml.
const Convolution convolutions[] = {
    {1, 6, 1, 3, 3, 2, 1, GROUPS_CONV2D1_KERNEL_OFFSET, GROUPS_CONV2D1_BIAS_OFFSET},
    {6, 12, 6, 3, 3, 1, 1, GROUPS_CONV2D2_KERNEL_OFFSET, GROUPS_CONV2D2_BIAS_OFFSET},
    {12, 9, 3, 3, 2, 1, 2, GROUPS_CONV2D3_KERNEL_OFFSET, GROUPS_CONV2D3_BIAS_OFFSET},
};

// [y][x][channel]
struct Planes {
    int side_y, side_x, channels;
    Doubles at;
    std::size_t index(int y, int x, int c) const {
        return static_cast<std::size_t>((y * side_x + x) * channels + c);
    }
};

// Calls visit(where in the result, where in the image, where in the kernel) for every product.
template <typename Visit>
void each_product(const Convolution& conv, const Planes& in, const Planes& out, Visit&& visit) {
    const int each = conv.inputs / conv.groups, of_group = conv.filters / conv.groups;
    for (int y = 0; y < out.side_y; ++y)
        for (int x = 0; x < out.side_x; ++x)
            for (int n = 0; n < conv.filters; ++n)
                for (int j = 0; j < conv.height; ++j)
                    for (int i = 0; i < conv.width; ++i)
                        for (int c = 0; c < each; ++c)
                            visit(out.index(y, x, n),
                                  in.index(y * conv.stride + j * conv.dilation,
                                           x * conv.stride + i * conv.dilation,
                                           n / of_group * each + c),
                                  static_cast<std::size_t>(
                                      conv.kernel +
                                      ((j * conv.width + i) * each + c) * conv.filters + n));
}

// The sums, before relu.
Planes convolved(const Doubles& p, const Convolution& conv, const Planes& in) {
    Planes out{(in.side_y - (conv.height - 1) * conv.dilation - 1) / conv.stride + 1,
               (in.side_x - (conv.width - 1) * conv.dilation - 1) / conv.stride + 1,
               conv.filters,
               {}};
    for (int i = 0; i < out.side_y * out.side_x; ++i)
        out.at.insert(out.at.end(), p.begin() + conv.bias, p.begin() + conv.bias + conv.filters);
    each_product(conv, in, out, [&](std::size_t to, std::size_t from, std::size_t weight) {
        out.at[to] += std::max(in.at[from], 0.0) * p[weight];
    });
    return out;
}

// The image and what each convolution makes of it.
std::vector<Planes> way_of(const Doubles& p, const Doubles& image) {
    std::vector<Planes> way = {{28, 28, 1, image}};
    for (const Convolution& conv : convolutions) way.push_back(convolved(p, conv, way.back()));
    return way;
}

Doubles embedding_of(const std::vector<Planes>& way) {
    Doubles values = way.back().at;
    for (double& value : values) value = std::max(value, 0.0);
    return values;
}

// Adds the gradient of an image, given that of its embedding.
void add_gradient(const Doubles& p, const std::vector<Planes>& way, const Doubles& embedding,
                  Doubles& gradient) {
    Doubles above = embedding;
    for (std::size_t l = 3; l-- > 0;) {
        const Convolution& conv = convolutions[l];
        const Planes &in = way[l], &out = way[l + 1];
        for (std::size_t i = 0; i < above.size(); ++i) {
            if (out.at[i] <= 0) above[i] = 0;
            gradient[static_cast<std::size_t>(conv.bias) +
                     i % static_cast<std::size_t>(conv.filters)] += above[i];
        }
        Doubles below(in.at.size(), 0.0);
        each_product(conv, in, out, [&](std::size_t to, std::size_t from, std::size_t weight) {
            gradient[weight] += above[to] * std::max(in.at[from], 0.0);
            below[from] += above[to] * p[weight];
        });
        above = std::move(below);
    }
}

std::vector<Doubles> shown(const World& world, int branches) {
    std::vector<Doubles> images;
    for (std::size_t i = 0; i < static_cast<std::size_t>(branches * tuples); ++i)
        images.push_back(pixels(&world.images[784 * static_cast<std::size_t>(world.rows[i])],
                                world.shifts[2 * i], world.shifts[2 * i + 1]));
    return images;
}

double square(const Doubles& a, const Doubles& b) {
    return std::pow(distance(a, b), 2);
}

struct Expected {
    double loss = 0;
    Doubles gradient;
};

// Of groups.toml's losses, the mean over the tuples.
Expected expected_of(const Doubles& p, const std::vector<Doubles>& images, const World& world,
                     std::size_t branches) {
    std::vector<std::vector<Planes>> ways;
    std::vector<Doubles> at, to(images.size(), Doubles(embedding_size, 0.0));
    for (const Doubles& image : images) {
        ways.push_back(way_of(p, image));
        at.push_back(embedding_of(ways.back()));
    }
    Expected expected;
    // Adds `scale` times the gradient of the squared distance.
    const auto pull = [&](std::size_t a, std::size_t b, double scale) {
        for (std::size_t c = 0; c < embedding_size; ++c) {
            to[a][c] += scale * 2 * (at[a][c] - at[b][c]) / tuples;
            to[b][c] -= scale * 2 * (at[a][c] - at[b][c]) / tuples;
        }
    };
    for (std::size_t t = 0; t < tuples; ++t) {
        const std::size_t first = branches * t;
        const double d = square(at[first], at[first + 1]);
        if (branches == 3) {
            const double hinge = d - square(at[first], at[first + 2]) + triplet_margin;
            expected.loss += std::max(0.0, hinge) / tuples;
            if (hinge <= 0) continue;
            pull(first, first + 1, 1);
            pull(first, first + 2, -1);
        } else if (world.labels[t] > 0.5f) {
            expected.loss += d * d / tuples;
            pull(first, first + 1, 2 * d);
        } else if (d < contrastive_margin) {
            expected.loss += std::pow(contrastive_margin - d, 2) / tuples;
            pull(first, first + 1, -2 * (contrastive_margin - d));
        }
    }
    expected.gradient.assign(p.size(), 0.0);
    for (std::size_t i = 0; i < images.size(); ++i)
        add_gradient(p, ways[i], to[i], expected.gradient);
    return expected;
}

}  // namespace

TEST_CASE("grouped and dilated convolutions embed as in double precision", "[library]") {
    World world(groups_model);
    const Doubles p(world.parameters.data(), world.parameters.data() + GROUPS_PARAMETER_FLOATS);
    for (const int count : {1, 40}) {
        std::vector<std::int32_t> wanted;
        for (int i = 0; i < count; ++i) wanted.push_back((i * 7 + 5) % stored_images);
        const std::vector<float> got = world.embed(wanted);
        REQUIRE(got.size() == embedding_size * wanted.size());
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            const Doubles expected = embedding_of(
                way_of(p, pixels(&world.images[784 * static_cast<std::size_t>(wanted[i])], 0, 0)));
            const Deviation off =
                deviation(&got[embedding_size * i], expected.data(), expected.size());
            INFO("image " << i << " of " << count);
            REQUIRE(off.largest > 0);
            CHECK(off.worst <= tolerance * off.largest);
        }
    }
}

TEST_CASE("gradients of grouped and dilated convolutions are those in double precision",
          "[library]") {
    World world(groups_model);
    world.labels = {1, 0, 1};
    // Not 0, where relu has a corner for all that is blank.
    for (const Convolution& conv : convolutions)
        for (int n = 0; n < conv.filters; ++n)
            world.parameters.data()[conv.bias + n] = 0.02f * static_cast<float>(n % 5 + 1);
    for (int l = 0; l < groups_model.loss_count; ++l) {
        const siamc_loss& loss = groups_model.losses[l];
        INFO(loss.name);
        const std::size_t branches = loss.name == std::string("triplet") ? 3 : 2;
        const std::vector<Doubles> images = shown(world, static_cast<int>(branches));
        const Doubles p(world.parameters.data(), world.parameters.data() + GROUPS_PARAMETER_FLOATS);
        siamc_results results{};
        REQUIRE(world.take_gradient(loss, tuples, results) == 0);
        const Expected expected = expected_of(p, images, world, branches);
        REQUIRE(expected.loss > 0);
        CHECK(std::abs(results.loss - expected.loss) <= tolerance * expected.loss);
        const Deviation off = deviation(world.gradient.data(), expected.gradient.data(), p.size());
        REQUIRE(off.largest > 0);
        CHECK(off.worst <= tolerance * off.largest);
    }
}
