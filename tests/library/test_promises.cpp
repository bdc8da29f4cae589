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
    REQUIRE(world.step(loss, optimizer.next(0.001)) == 0);
}

std::vector<float> after_steps(const siamc_model& tables, int steps, int threads,
                               const char* optimizer_name) {
    halide_set_num_threads(threads);
    World world(tables);
    const Model model(tables);
    Optimizer optimizer(model, optimizer_name, Semantics::keras);
    for (int s = 0; s < steps; ++s) step(world, optimizer, tables.losses[s % 2]);
    return {world.parameters.data(), world.parameters.data() + world.parameters.size()};
}

}  // namespace

// As few tuples and steps as will do: under emulation a step of convolutions takes half a second.
TEST_CASE("training on a small set brings the loss down") {
    constexpr int tuples = 18;  // slices of four, the last one padded
    for (const siamc_model* tables : {&fc_model, &cnn_model}) {
        World world(*tables);
        for (std::size_t row = 0; row < world.rows.size(); row += 2)  // 20 images of 2 classes
            world.rows[row] %= 20, world.rows[row + 1] %= 20;
        for (std::size_t pair = 0; pair < world.labels.size(); ++pair)
            world.labels[pair] = world.rows[2 * pair] % 2 == world.rows[2 * pair + 1] % 2;
        std::fill(world.shifts.begin(), world.shifts.end(), 0);
        const Model model(*tables);
        Optimizer optimizer(model, "adam", Semantics::keras);
        siamc_results before{}, after{};
        REQUIRE(world.take_gradient(tables->losses[0], tuples, before) == 0);
        for (int s = 0; s < 20; ++s)
            REQUIRE(world.step(tables->losses[0], optimizer.next(0.001), tuples) == 0);
        REQUIRE(world.take_gradient(tables->losses[0], tuples, after) == 0);
        INFO(tables->name << ": " << before.loss << " to " << after.loss);
        CHECK(after.loss < 0.5 * before.loss);
    }
}

TEST_CASE("the same bits on any number of threads, and again", "[many]") {
    for (const char* optimizer : {"adam", "rmsprop", "sgd"}) {
        const std::vector<float> one = after_steps(fc_model, 20, 1, optimizer);
        for (int threads : {1, 2, 3, 4, 7, 20}) {
            const std::vector<float> other = after_steps(fc_model, 20, threads, optimizer);
            INFO(optimizer << ", " << threads << " threads");
            CHECK(std::memcmp(one.data(), other.data(), one.size() * sizeof(float)) == 0);
        }
    }
}

TEST_CASE("convolutions give the same bits on any number of threads", "[many]") {
    const std::vector<float> one = after_steps(cnn_model, 4, 1, "adam");
    for (int threads : {1, 2, 5}) {
        const std::vector<float> other = after_steps(cnn_model, 4, threads, "adam");
        INFO(threads << " threads");
        CHECK(std::memcmp(one.data(), other.data(), one.size() * sizeof(float)) == 0);
    }
}

TEST_CASE("one image gives the same bits on any number of threads") {
    for (const siamc_model* model : {&fc_model, &cnn_model}) {
        World world(*model);
        halide_set_num_threads(1);
        const std::vector<float> one = world.embed({17});
        REQUIRE(!one.empty());
        for (int threads : {2, 5})
            for (int again = 0; again < 20; ++again) {
                halide_set_num_threads(threads);
                REQUIRE(world.embed({17}) == one);
            }
    }
}

TEST_CASE("a step is a gradient and an update, to the bit") {
    halide_set_num_threads(2);
    const Model model(fc_model);
    for (const char* name : {"adam", "rmsprop", "sgd"}) {
        World together, apart;
        Optimizer one(model, name, Semantics::keras), other(model, name, Semantics::keras);
        for (int s = 0; s < 5; ++s) {
            const siamc_loss& loss = fc_model.losses[s % 2];
            const siamc_batch batch = apart.batch(128);
            siamc_results results{};
            step(together, one, loss);
            REQUIRE(siamc_gradient(&loss, apart.parameters.data(), apart.images.data(),
                                   stored_images, &batch, apart.gradient.data(), apart.arena.data(),
                                   &results) == 0);
            other.step(apart.parameters, apart.gradient, 0.001);
        }
        INFO(name);
        CHECK(std::memcmp(together.parameters.data(), apart.parameters.data(),
                          apart.parameters.size() * sizeof(float)) == 0);
    }
}

TEST_CASE("optimisers leave the padding of the flat buffers at 0") {
    for (const char* name : {"adam", "rmsprop", "sgd"}) {
        World world;
        const Model model(fc_model);
        Optimizer optimizer(model, name, Semantics::pytorch);
        for (int s = 0; s < 3; ++s) step(world, optimizer, fc_model.losses[0]);
        for (int i = FC_PARAMETERS; i < FC_PARAMETER_FLOATS; ++i)
            REQUIRE(world.parameters.data()[i] == 0.0f);
    }
}
