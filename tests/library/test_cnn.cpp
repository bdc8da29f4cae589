// Embeddings, losses and gradients of the CNN library against double precision: gradients along
// random directions, tensor by tensor.
#include <cmath>

#include "catch.h"
#include "library/fixture.h"
#include "library/reference.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// As for the FC library (test_results.cpp); Winograd's sums round about twice as much.
constexpr double tolerance = 1e-5;

Doubles values(const FloatBuffer& buffer) {
    return {buffer.data(), buffer.data() + buffer.size()};
}

// conv (3 x 3, valid), relu, max_pool (2 x 2): [size][size][channels] in, the same order out.
Doubles conv_relu_pool(const Doubles& image, int size, int channels, const double* kernel,
                       const double* bias, int filters) {
    const int places = (size - 2) / 2;
    Doubles out;
    const auto sum = [&](int x, int y, int n) {
        double total = bias[n];
        for (int j = 0; j < 3; ++j)
            for (int i = 0; i < 3; ++i)
                for (int c = 0; c < channels; ++c)
                    total +=
                        image[static_cast<std::size_t>(((y + j) * size + x + i) * channels + c)] *
                        kernel[((j * 3 + i) * channels + c) * filters + n];
        return total;
    };
    for (int y = 0; y < places; ++y)
        for (int x = 0; x < places; ++x)
            for (int n = 0; n < filters; ++n) {
                double most = 0;
                for (int q = 0; q < 4; ++q)
                    most = std::max(most, sum(2 * x + q % 2, 2 * y + q / 2, n));
                out.push_back(most);
            }
    return out;
}

Doubles embed(const Doubles& p, const Doubles& image) {
    const Doubles one = conv_relu_pool(image, 28, 1, &p[CNN_CONV2D1_KERNEL_OFFSET],
                                       &p[CNN_CONV2D1_BIAS_OFFSET], 32);
    const Doubles two =
        conv_relu_pool(one, 13, 32, &p[CNN_CONV2D2_KERNEL_OFFSET], &p[CNN_CONV2D2_BIAS_OFFSET], 64);
    REQUIRE(two.size() == 1600);
    Doubles out;
    double square = 0;
    for (std::size_t n = 0; n < 256; ++n) {
        double total = p[CNN_DENSE1_BIAS_OFFSET + n];
        for (std::size_t k = 0; k < 1600; ++k)
            total += two[k] * p[CNN_DENSE1_KERNEL_OFFSET + k * 256 + n];
        out.push_back(total);
        square += total * total;
    }
    for (double& z : out) z /= std::sqrt(std::max(square, 1e-12));
    return out;
}

double mean_loss(const World& world, const Doubles& p, const siamc_loss& loss, int tuples) {
    const auto row = [&](int r) {
        const auto at = static_cast<std::size_t>(r);
        return embed(p, pixels(world.images.data() + 784 * world.rows[at], world.shifts[2 * at],
                               world.shifts[2 * at + 1]));
    };
    double sum = 0;
    for (int t = 0; t < tuples; ++t) {
        if (loss.train->branches == 2) {
            const double y = world.labels[static_cast<std::size_t>(t)];
            const double d = distance(row(2 * t), row(2 * t + 1)), short_of = std::max(0.0, 1 - d);
            sum += y * d * d + (1 - y) * short_of * short_of;
        } else {
            const Doubles anchor = row(3 * t);
            sum += std::max(
                0.0, distance(anchor, row(3 * t + 1)) - distance(anchor, row(3 * t + 2)) + 1);
        }
    }
    return sum / tuples;
}

// The gradient of one tensor along a direction, against the slope of the loss.
void check_slope(World& world, const siamc_loss& loss, int tuples, const siamc_parameter& tensor) {
    long size = 1;
    for (int d = 0; d < tensor.dimensions; ++d) size *= tensor.dims[d];
    Random random(11, Stream::glyph_test);
    Doubles ahead = values(world.parameters), behind = ahead;
    double expected = 0, length = 0;
    constexpr double step = 1e-6;
    for (long i = tensor.offset; i < tensor.offset + size; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const double g = world.gradient.data()[i], along = g * (1 + random.uniform());
        ahead[at] += step * along;
        behind[at] -= step * along;
        expected += g * along;
        length += along * along;
    }
    const double slope =
        (mean_loss(world, ahead, loss, tuples) - mean_loss(world, behind, loss, tuples)) /
        (2 * step);
    INFO(loss.name << ", " << tensor.name);
    CHECK(length > 0);
    CHECK(std::abs(slope - expected) <= 1e-4 * expected);
}

}  // namespace

TEST_CASE("the CNN's embeddings of any number of images") {
    World world(cnn_model);
    std::vector<std::int32_t> rows;
    for (int i = 0; i < 37; ++i) rows.push_back(7 * i);
    const Doubles p = values(world.parameters);
    std::vector<Doubles> expected;
    for (int row : rows)
        expected.push_back(embed(p, pixels(world.images.data() + 784 * row, 0, 0)));
    for (std::size_t n : {1, 2, 3, 4, 5, 8, 33, 37}) {
        const std::vector<float> out =
            world.embed({rows.begin(), rows.begin() + static_cast<long>(n)});
        REQUIRE(out.size() == n * 256);
        double error = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            const double difference = std::abs(out[i] - expected[i / 256][i % 256]);
            error = difference <= error ? error : difference;
        }
        INFO(n << " images");
        CHECK(error <= tolerance);
    }
}

TEST_CASE("the CNN's losses and gradients") {
    World world(cnn_model);
    for (int l = 0; l < cnn_model.loss_count; ++l)
        for (int tuples : {1, 6}) {
            const siamc_loss& loss = cnn_model.losses[l];
            siamc_results results{};
            REQUIRE(world.take_gradient(loss, tuples, results) == 0);
            const double expected = mean_loss(world, values(world.parameters), loss, tuples);
            INFO(loss.name << ", " << tuples << " tuples");
            CHECK(std::abs(results.loss - expected) <= tolerance * expected);
            for (int t = 0; t < cnn_model.parameter_tensors; ++t)
                check_slope(world, loss, tuples, cnn_model.parameters[t]);
        }
}

// A batch in several slices is the mean of its parts.
TEST_CASE("the CNN's gradient of a batch is the mean of its tuples'") {
    World world(cnn_model);
    siamc_results results{};
    const siamc_loss& loss = cnn_model.losses[0];
    constexpr int tuples = 13;
    Doubles sum(static_cast<std::size_t>(cnn_model.parameter_floats), 0.0);
    const World all(cnn_model);  // the same rows
    for (int t = 0; t < tuples; ++t) {
        for (std::size_t b = 0; b < 2; ++b) {
            const std::size_t from = 2 * static_cast<std::size_t>(t) + b;
            world.rows[b] = all.rows[from];
            world.shifts[2 * b] = all.shifts[2 * from];
            world.shifts[2 * b + 1] = all.shifts[2 * from + 1];
        }
        world.labels[0] = all.labels[static_cast<std::size_t>(t)];
        REQUIRE(world.take_gradient(loss, 1, results) == 0);
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += world.gradient.data()[i] / tuples;
    }
    world.rows = all.rows;
    world.shifts = all.shifts;
    world.labels = all.labels;
    REQUIRE(world.take_gradient(loss, tuples, results) == 0);
    double largest = 0, error = 0;
    for (std::size_t i = 0; i < sum.size(); ++i) {
        largest = std::max(largest, std::abs(sum[i]));
        const double difference = std::abs(world.gradient.data()[i] - sum[i]);
        error = difference <= error ? error : difference;
    }
    CHECK(largest > 0);
    CHECK(error <= tolerance * largest);
}
