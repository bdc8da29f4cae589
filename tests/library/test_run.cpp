// The executor (siamc_execute.h), on programs of tasks that only count.
#include <siamc_run.h>

#include <atomic>
#include <cstring>

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

const siamc_call count_calls[] = {{{first_kernel}, "first", nullptr, 0, first_tasks},
                                  {{second_kernel}, "second", nullptr, 0, second_tasks}};
const siamc_call failing_calls[] = {{{failing_kernel}, "failing", nullptr, 0, first_tasks},
                                    {{second_kernel}, "second", nullptr, 0, second_tasks}};

// The first call is one part, the second another.
int run(const siamc_call* calls) {
    static const siamc_stage stages[] = {{1, 0, 0}, {1, 0, 0}};
    siamc_program program = {};
    program.calls = calls;
    program.stages = stages;
    program.stage_count = 2;
    siamc_run state;
    siamc_start(&state, nullptr, nullptr, 0);
    REQUIRE(siamc_add_program(&state, &program) == 0);
    first_calls = second_calls = too_early = 0;
    return siamc_execute(&state);
}

int one_after_the_other(void* user, halide_task_t task, int min, int extent, uint8_t* closure) {
    for (int i = min; i < min + extent; ++i)
        if (const int error = task(user, i, closure)) return error;
    return 0;
}

int backwards(void* user, halide_task_t task, int min, int extent, uint8_t* closure) {
    for (int i = min + extent; i-- > min;)
        if (const int error = task(user, i, closure)) return error;
    return 0;
}

}  // namespace

TEST_CASE("every task runs once, after all parts before") {
    for (const int threads : {1, 2, 3, 5, 40}) {
        halide_set_num_threads(threads);
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
        halide_set_num_threads(threads);
        for (int again = 0; again < 50; ++again) {
            REQUIRE(run(failing_calls) == failing);
            REQUIRE(second_calls == 0);
        }
    }
}

TEST_CASE("any pool of threads will do, even one that has none") {
    halide_set_num_threads(4);
    const Model model(fc_model);
    World usual, serial;
    Optimizer one(model, "adam", Semantics::keras), other(model, "adam", Semantics::keras);
    REQUIRE(usual.step(fc_losses[0], one.next(0.001)) == 0);
    for (const halide_do_par_for_t pool : {one_after_the_other, backwards}) {
        const auto before = halide_set_custom_do_par_for(pool);
        CHECK(run(count_calls) == 0);
        CHECK(first_calls == first_tasks);
        if (pool == backwards) CHECK(serial.step(fc_losses[0], other.next(0.001)) == 0);
        halide_set_custom_do_par_for(before);
    }
    CHECK(std::memcmp(usual.parameters.data(), serial.parameters.data(),
                      usual.parameters.size() * sizeof(float)) == 0);
}

TEST_CASE("a run of nothing is fine") {
    siamc_run state;
    siamc_start(&state, nullptr, nullptr, 0);
    CHECK(siamc_execute(&state) == 0);
}
