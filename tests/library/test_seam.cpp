// The C interface as a program in C uses it (siamc/siamc.h): contexts, and what they refuse.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "catch.h"
#include "library/fixture.h"
#include "training/optimizer.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// A trainer on a world's memory, with moments of its own.
struct Training {
    explicit Training(World& world, const char* loss = "contrastive", const char* rule = "adam")
        : world_(world) {
        error = siamc_trainer_open(&trainer, &world.model, loss, rule, &buffers);
        if (!error) error = siamc_trainer_set_images(&trainer, world.images.data(), stored_images);
    }

    World& world_;
    FloatBuffer moments[2] = {FloatBuffer(world_.parameters.size()),
                              FloatBuffer(world_.parameters.size())};
    siamc_buffers buffers = {world_.parameters.data(),
                             world_.gradient.data(),
                             {moments[0].data(), moments[1].data()},
                             world_.arena.data()};
    siamc_trainer trainer = {};
    siamc_results results = {};
    int error = 0;
};

bool same_bits(const FloatBuffer& a, const FloatBuffer& b) {
    return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Encoding {
    explicit Encoding(const World& world)
        : memory(static_cast<std::size_t>(world.model.encoder_bytes) / sizeof(float) + 1) {
        error = siamc_encoder_open(&encoder, &world.model, world.parameters.data(), memory.data());
    }
    FloatBuffer memory;
    siamc_encoder encoder = {};
    int error;
};

}  // namespace

TEST_CASE("a trainer's step is the gradient and the update") {
    for (const char* rule : {"adam", "rmsprop", "sgd"})
        for (const int semantics : {SIAMC_KERAS, SIAMC_PYTORCH}) {
            World together, apart, reference;
            Training one(together, "triplet", rule), two(apart, "triplet", rule);
            Optimizer optimizer(Model(fc_model), rule,
                                semantics == SIAMC_KERAS ? Semantics::keras : Semantics::pytorch);
            REQUIRE(one.error == 0);
            REQUIRE(two.error == 0);
            one.trainer.semantics = two.trainer.semantics = semantics;
            const siamc_batch batch = together.batch(100);
            for (int s = 0; s < 3; ++s) {
                REQUIRE(siamc_trainer_step(&one.trainer, 0.01, &batch, &one.results) == 0);
                REQUIRE(siamc_trainer_gradient(&two.trainer, &batch, &two.results) == 0);
                REQUIRE(siamc_trainer_update(&two.trainer, 0.01) == 0);
                REQUIRE(reference.step(fc_model.losses[1], optimizer.next(0.01), 100) == 0);
            }
            INFO(rule << ", semantics " << semantics);
            CHECK(one.trainer.steps == 3);
            CHECK(one.results.loss == two.results.loss);
            CHECK(same_bits(together.parameters, apart.parameters));
            CHECK(same_bits(together.parameters, reference.parameters));
        }
}

TEST_CASE("an encoder gives what one call gives, without preparing again") {
    for (const siamc_model* model : {&fc_model, &cnn_model}) {
        World world(*model);
        const Encoding encoding(world);
        REQUIRE(encoding.error == 0);
        std::vector<std::int32_t> indices(300);
        for (std::size_t i = 0; i < indices.size(); ++i)
            indices[i] = static_cast<std::int32_t>(i * 7 % stored_images);
        for (const std::size_t n : {1, 1, 2, 3, 4, 17, 256, 257, 300, 2, 1}) {
            if (model == &cnn_model && n > 17) continue;  // slow where it is emulated
            const std::vector<std::int32_t> some(indices.begin(),
                                                 indices.begin() + static_cast<long>(n));
            std::vector<float> out(n * static_cast<std::size_t>(model->embedding_size));
            REQUIRE(siamc_encode(&encoding.encoder, world.images.data(), stored_images, some.data(),
                                 static_cast<std::int32_t>(n), out.data()) == 0);
            INFO(model->name << ", " << n);
            CHECK(out == world.embed(some));
        }
    }
    CHECK(cnn_model.embed->prologue_stages == 1);  // or nothing was prepared
    CHECK(cnn_model.embed_one->prologue_stages == 1);
}

// Of two whole batches only the first prepares; the last image's program then takes their arena.
TEST_CASE("one call embeds several batches and one image more", "[many]") {
    World world(cnn_model);
    std::fill_n(world.arena.data(), world.arena.size(), NAN);
    const Encoding encoding(world);
    REQUIRE(encoding.error == 0);
    std::vector<std::int32_t> indices(2 * static_cast<std::size_t>(cnn_model.embed->batch) + 1);
    for (std::size_t i = 0; i < indices.size(); ++i)
        indices[i] = static_cast<std::int32_t>(i * 7 % stored_images);
    std::vector<float> out(indices.size() * static_cast<std::size_t>(cnn_model.embedding_size));
    REQUIRE(siamc_encode(&encoding.encoder, world.images.data(), stored_images, indices.data(),
                         static_cast<std::int32_t>(indices.size()), out.data()) == 0);
    CHECK(out == world.embed(indices));
}

TEST_CASE("what an encoder is not fit for is refused") {
    World world;
    const Encoding encoding(world);
    const std::int32_t index = 0, outside = stored_images, negative = -1;
    float out[FC_EMBEDDING];
    const auto embed = [&](const std::uint8_t* images, std::int32_t stored,
                           const std::int32_t* indices, std::int32_t n, float* to) {
        return siamc_encode(&encoding.encoder, images, stored, indices, n, to);
    };
    const std::uint8_t* images = world.images.data();
    CHECK(embed(images, stored_images, &index, 1, out) == 0);
    CHECK(embed(images, stored_images, nullptr, 0, nullptr) == 0);
    CHECK(embed(images, stored_images, &index, -1, out) == SIAMC_NEGATIVE_COUNT);
    CHECK(embed(images, -1, &index, 1, out) == SIAMC_NEGATIVE_COUNT);
    CHECK(embed(images, 0, &index, 1, out) == SIAMC_INDEX_OUTSIDE);
    CHECK(embed(images, 2739138, &index, 1, out) == SIAMC_TOO_LARGE);  // times 784: over 2^31 - 1
    CHECK(embed(images, stored_images, &outside, 1, out) == SIAMC_INDEX_OUTSIDE);
    CHECK(embed(images, stored_images, &negative, 1, out) == SIAMC_INDEX_OUTSIDE);
    CHECK(embed(nullptr, stored_images, &index, 1, out) == SIAMC_NULL_ARGUMENT);
    CHECK(embed(images, stored_images, nullptr, 1, out) == SIAMC_NULL_ARGUMENT);
    CHECK(embed(images, stored_images, &index, 1, nullptr) == SIAMC_NULL_ARGUMENT);
    siamc_encoder closed = {};
    CHECK(siamc_encode(&closed, images, stored_images, &index, 1, out) == SIAMC_NULL_ARGUMENT);

    const auto open = [&](const siamc_model* model, const float* parameters, void* memory) {
        return siamc_encoder_open(&closed, model, parameters, memory);
    };
    FloatBuffer memory(encoding.memory.size());
    char* bytes = reinterpret_cast<char*>(memory.data());
    const float* parameters = world.parameters.data();
    CHECK(open(nullptr, parameters, bytes) == SIAMC_NULL_ARGUMENT);
    CHECK(open(&fc_model, nullptr, bytes) == SIAMC_NULL_ARGUMENT);
    CHECK(open(&fc_model, parameters, nullptr) == SIAMC_NULL_ARGUMENT);
    CHECK(open(&fc_model, parameters, bytes + 4) == SIAMC_UNALIGNED);
    const char* odd = reinterpret_cast<const char*>(parameters) + 1;
    CHECK(open(&fc_model, reinterpret_cast<const float*>(odd), bytes) == SIAMC_UNALIGNED);
    siamc_model other = fc_model;
    other.abi_version = 5;
    CHECK(open(&other, parameters, bytes) == SIAMC_OTHER_ABI);
    other = fc_model;
    other.device = "opencl";
    CHECK(open(&other, parameters, bytes) == SIAMC_OTHER_PROCESSOR);
}

TEST_CASE("what a trainer is not fit for is refused, and changes nothing") {
    World world;
    Training training(world);
    REQUIRE(training.error == 0);
    siamc_results results = {};
    const auto step = [&](const siamc_batch& batch, double rate = 0.01) {
        return siamc_trainer_step(&training.trainer, rate, &batch, &results);
    };
    FloatBuffer before = Model(fc_model).flat_buffer();
    std::memcpy(before.data(), world.parameters.data(), before.size() * sizeof(float));
    siamc_batch batch = world.batch(1);
    for (const int tuples : {FC_BATCH + 1, 100000, std::numeric_limits<std::int32_t>::max()}) {
        batch.tuples = tuples;
        CHECK(step(batch) == SIAMC_TOO_MANY_TUPLES);
    }
    batch.tuples = -1;
    CHECK(step(batch) == SIAMC_NEGATIVE_COUNT);
    batch = world.batch(8);
    batch.labels = nullptr;
    CHECK(step(batch) == SIAMC_NULL_ARGUMENT);
    batch = world.batch(8);
    batch.indices = nullptr;
    CHECK(step(batch) == SIAMC_NULL_ARGUMENT);
    world.rows[15] = stored_images;
    CHECK(step(world.batch(8)) == SIAMC_INDEX_OUTSIDE);
    CHECK(step(world.batch(7)) == 0);
    std::memcpy(world.parameters.data(), before.data(), before.size() * sizeof(float));
    for (const double rate :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
        CHECK(step(world.batch(7), rate) == SIAMC_BAD_RATE);
    CHECK(siamc_trainer_step(&training.trainer, 0.01, nullptr, &results) == SIAMC_NULL_ARGUMENT);
    training.trainer.stored = 0;
    CHECK(step(world.batch(7)) == SIAMC_INDEX_OUTSIDE);
    CHECK(step(world.batch(0)) == 0);
    CHECK(same_bits(world.parameters, before) == false);  // Adam's moments move on
}

TEST_CASE("a trainer opens on a model's own losses and optimisers alone") {
    World world;
    CHECK(Training(world, "hinge").error == SIAMC_UNKNOWN_NAME);
    CHECK(Training(world, "triplet", "adagrad").error == SIAMC_UNKNOWN_NAME);
    Training gradients(world, "triplet", nullptr);
    CHECK(gradients.error == 0);
    CHECK(siamc_trainer_update(&gradients.trainer, 0.01) == SIAMC_NOT_OPEN);
    siamc_trainer trainer;
    siamc_buffers buffers = gradients.buffers;
    buffers.moments[1] = nullptr;
    CHECK(siamc_trainer_open(&trainer, &fc_model, "triplet", "adam", &buffers) ==
          SIAMC_NULL_ARGUMENT);
    CHECK(siamc_trainer_open(&trainer, &fc_model, "triplet", "sgd", &buffers) == 0);
}

TEST_CASE("every error has a text of its own") {
    std::vector<std::string> texts;
    for (int error = SIAMC_BAD_CLASS; error <= SIAMC_NO_VARIANT; ++error) {
        texts.emplace_back(siamc_error_text(error));
        CHECK(texts.back() != siamc_error_text(-1));
    }
    std::sort(texts.begin(), texts.end());
    CHECK(std::unique(texts.begin(), texts.end()) == texts.end());
    CHECK(std::string(siamc_error_text(0)) == "no error");
}

TEST_CASE("threads are set within bounds") {
    CHECK(siamc_set_threads(&fc_model, 0) == SIAMC_NEGATIVE_COUNT);
    CHECK(siamc_set_threads(&fc_model, SIAMC_MAX_THREADS + 1) == SIAMC_TOO_MANY_THREADS);
    CHECK(siamc_set_threads(nullptr, 1) == SIAMC_NULL_ARGUMENT);
    CHECK(siamc_set_spin(&fc_model, -1) == SIAMC_NEGATIVE_COUNT);
    CHECK(siamc_set_threads(&fc_model, 3) == 0);
    CHECK(fc_model.library->functions->get_threads() == 3);
}

// A child has none of its parent's threads: it must neither wait for them nor end by a signal.
TEST_CASE("a child of a process that trained ends, and can train itself", "[once][many]") {
    siamc_set_threads(&fc_model, 8);
    World world;
    Training training(world);
    const siamc_batch batch = world.batch(128);
    for (int s = 0; s < 5; ++s)
        REQUIRE(siamc_trainer_step(&training.trainer, 0.001, &batch, &training.results) == 0);
    for (const bool trains : {false, true}) {
        const pid_t child = ::fork();
        if (child == 0) {
            int error = 0;
            if (trains)
                error = siamc_trainer_step(&training.trainer, 0.001, &batch, &training.results);
            std::exit(error ? 1 : 0);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        CHECK(siamc_trainer_step(&training.trainer, 0.001, &batch, &training.results) == 0);
    }
}
