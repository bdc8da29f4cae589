// What the library promises beside right numbers: the same bits on any number of threads,
// optimisers that leave the padding alone.
#include <HalideRuntime.h>

#include <cstring>

#include "catch.h"
#include "library/fixture.h"
#include "training/optimizer.h"

using namespace siamc;
using namespace siamc::test;

namespace {

void step(World& world, Optimizer& optimizer, const siamc_loss& loss) {
    const siamc_batch batch = world.batch(128);
    siamc_results results{};
    REQUIRE(siamc_gradient(&loss, world.parameters.data(), world.images.data(), stored_images,
                           &batch, world.gradient.data(), world.arena.data(), &results) == 0);
    optimizer.step(world.parameters, world.gradient, 0.001);
}

std::vector<float> after_steps(int threads, const char* optimizer_name) {
    halide_set_num_threads(threads);
    World world;
    const Model model(fc_model);
    Optimizer optimizer(model, optimizer_name, Semantics::keras);
    for (int s = 0; s < 20; ++s) step(world, optimizer, fc_losses[s % 2]);
    return {world.parameters.data(), world.parameters.data() + world.parameters.size()};
}

}  // namespace

TEST_CASE("the same bits on any number of threads, and again") {
    for (const char* optimizer : {"adam", "rmsprop", "sgd"}) {
        const std::vector<float> one = after_steps(1, optimizer);
        for (int threads : {1, 2, 3, 4, 7}) {
            const std::vector<float> other = after_steps(threads, optimizer);
            INFO(optimizer << ", " << threads << " threads");
            CHECK(std::memcmp(one.data(), other.data(), one.size() * sizeof(float)) == 0);
        }
    }
}

TEST_CASE("optimisers leave the padding of the flat buffers at 0") {
    for (const char* name : {"adam", "rmsprop", "sgd"}) {
        World world;
        const Model model(fc_model);
        Optimizer optimizer(model, name, Semantics::pytorch);
        for (int s = 0; s < 3; ++s) step(world, optimizer, fc_losses[0]);
        for (int i = FC_PARAMETERS; i < FC_PARAMETER_FLOATS; ++i)
            REQUIRE(world.parameters.data()[i] == 0.0f);
    }
}
