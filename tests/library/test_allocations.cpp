// A step allocates nothing: counted at the C library's functions, which the whole process goes
// through, and at Halide's own.
#include <HalideRuntime.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "catch.h"
#include "crowd.h"
#include "episode.h"
#include "koch.h"
#include "library/fixture.h"
#include "training/optimizer.h"

namespace {

std::atomic<bool> counting{false};
std::atomic<long> allocations{0};

void count() {
    if (counting) ++allocations;
}

}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) {
    return count(), __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) {
    return count(), __libc_calloc(n, size);
}
void* realloc(void* old, std::size_t size) {
    return count(), __libc_realloc(old, size);
}
void* memalign(std::size_t line, std::size_t size) {
    return count(), __libc_memalign(line, size);
}
void* aligned_alloc(std::size_t line, std::size_t size) {
    return count(), __libc_memalign(line, size);
}
int posix_memalign(void** result, std::size_t line, std::size_t size) {
    count();
    *result = __libc_memalign(line, size);
    return *result ? 0 : ENOMEM;
}
}

using namespace siamc;
using namespace siamc::test;

namespace {

void* halide_malloc_counted(void*, std::size_t size) {
    count();
    return __libc_memalign(128, size);
}

void halide_free_counted(void*, void* memory) {
    std::free(memory);
}

// Counts while it lives.
class Count {
  public:
    Count() {
        allocations = 0;
        counting = true;
    }
    ~Count() { counting = false; }
    long sofar() const { return allocations; }
};

}  // namespace

TEST_CASE("the counters count") {
    const Count count;
    void* volatile memory = std::malloc(3);
    CHECK(count.sofar() >= 1);
    std::free(memory);
    long before = count.sofar();
    memory = std::calloc(3, 3);
    CHECK(count.sofar() > before);
    std::free(memory);
    before = count.sofar();
    memory = std::aligned_alloc(64, 64);
    CHECK(count.sofar() > before);
    std::free(memory);
    before = count.sofar();
    memory = new char[100];
    CHECK(count.sofar() > before);
    delete[] static_cast<char*>(memory);
    halide_set_custom_malloc(halide_malloc_counted);
    halide_set_custom_free(halide_free_counted);
    before = count.sofar();
    memory = halide_malloc(nullptr, 100);
    CHECK(count.sofar() > before);
    halide_free(nullptr, memory);
}

namespace {

// Of all kinds of calls, after one that starts the threads; errors count as allocations.
long allocations_of(const siamc_model& tables, int steps) {
    halide_set_custom_malloc(halide_malloc_counted);
    halide_set_custom_free(halide_free_counted);
    halide_set_num_threads(2);
    World world(tables);
    const Model model(tables);
    Optimizer optimizers[] = {Optimizer(model, "adam", Semantics::keras),
                              Optimizer(model, "rmsprop", Semantics::keras),
                              Optimizer(model, "sgd", Semantics::pytorch)};
    std::vector<float> embeddings(257 * static_cast<std::size_t>(tables.embedding_size));
    const std::vector<std::int32_t> rows(257);
    int errors = 0;
    const auto step = [&](int s) {
        const siamc_batch batch = world.batch(s % 10 == 9 ? 31 : 128);
        const siamc_loss& loss = tables.losses[s % tables.loss_count];
        siamc_results results{};
        errors += 0 != world.take_gradient(loss, batch.tuples, results);
        optimizers[s % 3].step(world.parameters, world.gradient, 0.001);
        errors += 0 != world.step(loss, optimizers[s % 3].next(0.001), batch.tuples);
        errors += 0 != siamc_evaluate(&tables, &loss, world.parameters.data(), embeddings.data(),
                                      257, &batch, world.arena.data(), &results);
        if (s % 100 == 0)
            for (const int n : {1, 2, 3, 9, 257})
                errors += 0 != siamc_embed(&tables, world.parameters.data(), world.images.data(),
                                           stored_images, rows.data(), n, embeddings.data(),
                                           world.arena.data());
    };
    for (std::int32_t& row : world.rows) row %= 257;
    step(0);
    const Count count;
    for (int s = 0; s < steps; ++s) step(s);
    return count.sofar() + errors;
}

}  // namespace

TEST_CASE("a thousand steps allocate nothing", "[many]") {
    CHECK(allocations_of(fc_model, 1000) == 0);
}

TEST_CASE("steps of convolutions allocate nothing", "[many]") {
    CHECK(allocations_of(cnn_model, 25) == 0);
}

TEST_CASE("steps of losses over the batch and with parameters allocate nothing", "[many]") {
    for (const siamc_model* tables : {&crowd_model, &episode_model, &koch_model}) {
        INFO(tables->name);
        CHECK(allocations_of(*tables, 60) == 0);
    }
}
