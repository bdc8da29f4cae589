// A library of convolutions alone, whose gradients are sums of slices.
#include <algorithm>
#include <cstring>

#include "catch.h"
#include "library/fixture.h"
#include "window.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// Mean loss with one parameter moved by so much.
double moved_loss(World& world, const siamc_loss& loss, int tuples, int at, float by) {
    const float there = world.parameters.data()[at];
    siamc_results results{};
    world.parameters.data()[at] = there + by;
    REQUIRE(world.take_gradient(loss, tuples, results) == 0);
    world.parameters.data()[at] = there;
    return results.loss;
}

}  // namespace

TEST_CASE("gradients of convolutions alone follow the loss", "[library]") {
    World world(window_model);
    // Not 0, where relu has a corner for all that is blank.
    std::fill_n(world.parameters.data() + WINDOW_CONV2D1_BIAS_OFFSET, 8, 0.05f);
    for (int l = 0; l < window_model.loss_count; ++l)
        for (const int tuples : {128, 5}) {
            const siamc_loss& loss = window_model.losses[l];
            INFO(loss.name << " of " << tuples);
            siamc_results results{};
            REQUIRE(world.take_gradient(loss, tuples, results) == 0);
            const std::vector<float> gradient(world.gradient.data(),
                                              world.gradient.data() + WINDOW_PARAMETER_FLOATS);
            const double largest =
                std::abs(*std::max_element(gradient.begin(), gradient.end(), [](float a, float b) {
                    return std::abs(a) < std::abs(b);
                }));
            REQUIRE(largest > 0);
            constexpr float step = 1e-3f;
            for (const int at : {WINDOW_CONV2D1_KERNEL_OFFSET, WINDOW_CONV2D1_KERNEL_OFFSET + 35,
                                 WINDOW_CONV2D1_BIAS_OFFSET + 3}) {
                const double slope = (moved_loss(world, loss, tuples, at, step) -
                                      moved_loss(world, loss, tuples, at, -step)) /
                                     (2 * static_cast<double>(step));
                INFO("parameter " << at << ": " << gradient[static_cast<std::size_t>(at)]);
                CHECK(std::abs(gradient[static_cast<std::size_t>(at)] - slope) <= 0.02 * largest);
            }
        }
}

TEST_CASE("a step of convolutions alone writes nothing in front of its arena", "[library]") {
    World world(window_model);
    constexpr std::size_t front = 4096;
    const auto arena_bytes = static_cast<std::size_t>(window_model.arena_bytes);
    FloatBuffer memory((front + arena_bytes) / sizeof(float) + 1);
    auto* bytes = reinterpret_cast<unsigned char*>(memory.data());
    for (int l = 0; l < window_model.loss_count; ++l) {
        std::memset(bytes, 0xA5, front + arena_bytes);
        const siamc_batch batch = world.batch(128);
        siamc_results results{};
        REQUIRE(siamc_gradient(&window_model.losses[l], world.parameters.data(),
                               world.images.data(), stored_images, &batch, world.gradient.data(),
                               bytes + front, &results) == 0);
        CHECK(std::count(bytes, bytes + front, 0xA5) == static_cast<long>(front));
    }
}
