// The executor (internal/execute.h), on programs of tasks that only count.
#include <siamc/siamc.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "catch.h"
#include "library/fixture.h"
#include "training/optimizer.h"

using namespace siamc;
using namespace siamc::test;

namespace {

std::atomic<int> first_calls, second_calls, too_early;
constexpr int first_tasks = 37, second_tasks = 5, failing = 7;

int first_kernel(void**) {
    ++first_calls;
    return 0;
}

int second_kernel(void**) {
    if (first_calls != first_tasks) ++too_early;
    ++second_calls;
    return 0;
}

int failing_kernel(void**) {
    return failing;
}

// Whichever of the library's variants runs.
siamc_call call_of(siamc_kernel kernel, const char* name, int tasks) {
    return {{kernel, kernel, kernel, kernel}, name, nullptr, 0, tasks};
}
static_assert(SIAMC_MAX_VARIANTS == 4);

const siamc_call count_calls[] = {call_of(first_kernel, "first", first_tasks),
                                  call_of(second_kernel, "second", second_tasks)};
const siamc_call failing_calls[] = {call_of(failing_kernel, "failing", first_tasks),
                                    call_of(second_kernel, "second", second_tasks)};

// The first call is one part, the second another.
int run(const siamc_call* calls) {
    static const siamc_stage stages[] = {{1, 0, 0, 0}, {1, 0, 0, 0}};
    siamc_program program = {};
    program.library = fc_model.library;
    program.calls = calls;
    program.stages = stages;
    program.stage_count = 2;
    siamc_run state;
    siamc_start(&state, nullptr, nullptr, 0);
    REQUIRE(siamc_add_program(&state, &program) == 0);
    first_calls = second_calls = too_early = 0;
    return siamc_execute(&state);
}

void one_after_the_other(void*, siamc_task task, void* work, std::int32_t count) {
    for (std::int32_t i = 0; i < count; ++i) task(work, i);
}

void backwards(void* calls, siamc_task task, void* work, std::int32_t count) {
    ++*static_cast<int*>(calls);
    for (std::int32_t i = count; i-- > 0;) task(work, i);
}

// A thread for each, so that all of them run at once.
void threads_of_its_own(void*, siamc_task task, void* work, std::int32_t count) {
    std::vector<std::thread> threads;
    for (std::int32_t i = 0; i < count; ++i) threads.emplace_back(task, work, i);
    for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("every task runs once, after all parts before") {
    for (const int threads : {1, 2, 3, 5, 40}) {
        siamc_set_threads(&fc_model, threads);
        for (int again = 0; again < 200; ++again) {
            REQUIRE(run(count_calls) == 0);
            REQUIRE(first_calls == first_tasks);
            REQUIRE(second_calls == second_tasks);
            REQUIRE(too_early == 0);
        }
    }
}

TEST_CASE("a failing kernel ends the run with its code") {
    for (const int threads : {1, 2, 5}) {
        siamc_set_threads(&fc_model, threads);
        for (int again = 0; again < 50; ++again) {
            REQUIRE(run(failing_calls) == failing);
            REQUIRE(second_calls == 0);
        }
    }
}

TEST_CASE("any parallel loop will do, even one that has no threads", "[many]") {
    siamc_set_threads(&fc_model, 4);
    const Model model(fc_model);
    World usual, other;
    Optimizer one(model, "adam", Semantics::keras), two(model, "adam", Semantics::keras);
    int calls = 0;
    for (const siamc_parallel_for loop : {one_after_the_other, backwards, threads_of_its_own}) {
        REQUIRE(usual.step(fc_model.losses[0], one.next(0.001)) == 0);
        REQUIRE(siamc_set_parallel_for(&fc_model, loop, &calls) == 0);
        CHECK(run(count_calls) == 0);
        CHECK(first_calls == first_tasks);
        CHECK(too_early == 0);
        CHECK(other.step(fc_model.losses[0], two.next(0.001)) == 0);
        REQUIRE(siamc_set_parallel_for(&fc_model, nullptr, nullptr) == 0);
    }
    CHECK(calls == 2);
    CHECK(std::memcmp(usual.parameters.data(), other.parameters.data(),
                      usual.parameters.size() * sizeof(float)) == 0);
}

TEST_CASE("threads that sleep at once are woken", "[many]") {
    REQUIRE(siamc_set_spin(&fc_model, 0) == 0);
    for (const int threads : {2, 3, 8}) {
        siamc_set_threads(&fc_model, threads);
        for (int again = 0; again < 200; ++again) {
            REQUIRE(run(count_calls) == 0);
            REQUIRE(second_calls == second_tasks);
            REQUIRE(too_early == 0);
        }
    }
    siamc_set_spin(&fc_model, SIAMC_SPIN);
}

TEST_CASE("a run of nothing is fine") {
    siamc_run state;
    siamc_start(&state, nullptr, nullptr, 0);
    state.library = fc_model.library;
    CHECK(siamc_execute(&state) == 0);
}
