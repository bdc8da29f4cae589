// Embedding with weights as halves, beside embedding with floats of the same numbers. Libraries of
// halves hold no SSE4.1, so the best variant alone is tested.
#include <cmath>

#include "catch.h"
#include "halves.h"
#include "library/fixture.h"
#include "library/reference.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// To the nearest of 11 bits, as halves are above 2^-14; ties to the even one.
float rounded_to_half(float value) {
    int exponent;
    std::frexp(value, &exponent);
    const float last = std::ldexp(1.0f, std::max(exponent - 11, -24));
    return std::nearbyint(value / last) * last;
}

Doubles as_doubles(const std::vector<float>& values) {
    return {values.begin(), values.end()};
}

void check_close(const std::vector<float>& got, const std::vector<float>& expected,
                 double tolerance) {
    REQUIRE(got.size() == expected.size());
    const Doubles numbers = as_doubles(expected);
    const auto [worst, largest] = deviation(got.data(), numbers.data(), numbers.size());
    CHECK(worst <= tolerance * largest);
}

}  // namespace

// Kernels of 3 x 3 are transformed first, so their halves are not those of the parameters.
TEST_CASE("halves embed as their weights in floats do, within 2^-11 of a weight", "[once]") {
    World halves(halves_model), floats(cnn_model);
    REQUIRE(HALVES_PARAMETER_FLOATS == CNN_PARAMETER_FLOATS);
    std::copy_n(halves.parameters.data(), CNN_PARAMETER_FLOATS, floats.parameters.data());
    for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{100}}) {
        INFO(count << " images");
        const std::vector<std::int32_t> wanted(halves.rows.begin(),
                                               halves.rows.begin() + static_cast<long>(count));
        const std::vector<float> by_halves = halves.embed(wanted), by_floats = floats.embed(wanted);
        check_close(by_halves, by_floats, 2e-3);
        CHECK(by_halves != by_floats);
    }
}

TEST_CASE("dense weights that halves hold exactly give the same embeddings", "[once]") {
    World halves(halves_model), floats(cnn_model);
    for (int i = 0; i < CNN_PARAMETER_FLOATS; ++i) {
        const bool of_dense = i >= CNN_DENSE1_KERNEL_OFFSET;
        float& weight = halves.parameters.data()[i];
        weight = of_dense ? rounded_to_half(weight) : 0.0f;  // convolutions give their biases alone
        floats.parameters.data()[i] = weight;
    }
    for (int c = 0; c < 64; ++c)
        for (World* world : {&halves, &floats})
            world->parameters.data()[CNN_CONV2D2_BIAS_OFFSET + c] = 0.01f * static_cast<float>(c);
    const std::vector<std::int32_t> wanted(halves.rows.begin(), halves.rows.begin() + 40);
    check_close(halves.embed(wanted), floats.embed(wanted), 1e-6);
}

TEST_CASE("training does not know of halves", "[once]") {
    World halves(halves_model), floats(cnn_model);
    for (int l = 0; l < cnn_model.loss_count; ++l) {
        siamc_results of_halves{}, of_floats{};
        REQUIRE(halves.take_gradient(halves_model.losses[l], 17, of_halves) == 0);
        REQUIRE(floats.take_gradient(cnn_model.losses[l], 17, of_floats) == 0);
        CHECK(of_halves.loss == of_floats.loss);
        for (int i = 0; i < CNN_PARAMETER_FLOATS; ++i)
            REQUIRE(halves.gradient.data()[i] == floats.gradient.data()[i]);
    }
}
