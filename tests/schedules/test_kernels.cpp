// Every kernel of a few small models of awkward sizes, for every kind of processor, between guard
// pages and against the same algorithm in double.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catch.h"
#include "frontend/model_spec.h"
#include "support/program_runner.h"
#include "support/programs.h"
#include "support/random_values.h"

namespace siamc::test {

namespace {

struct SmallModel {
    std::string name, text;
};

std::string dense(int units, const std::string& more = "") {
    return fmt::format("[[layer]]\ntype = \"dense\"\nunits = {}\n{}", units, more);
}

const std::string relu = "activation = \"relu\"\n";
const std::string leaky = "activation = \"leaky_relu\"\n";
const std::string normalize = "[[layer]]\ntype = \"l2_normalize\"\n";

// 5 x 7 images: no width of a vector divides 35, 7, 9, 17, 127 or 1, nor do groups of zeros.
std::string model(const std::string& layers, const std::string& distance,
                  const std::string& shape = "5, 7") {
    return "name = \"m\"\n[input]\nshape = [" + shape + "]\nscale = 0.00390625\n" + layers +
           "[distance]\ntype = \"" + distance +
           "\"\n[loss.contrastive]\nmargin = 0.9\n[loss.triplet]\nmargin = 0.7\n";
}

std::vector<SmallModel> models() {
    return {
        {"odd", model(dense(7, relu) + dense(127, leaky) + dense(9) + normalize, "euclidean")},
        {"one", model(dense(17, relu) + dense(1, relu) + dense(17, "bias = false\n"), "cosine")},
        {"vectors", model(dense(64, relu) + dense(48) + normalize, "squared_euclidean")},
        {"groups", model(dense(64, relu) + dense(9), "euclidean", "6, 6")},
        {"normalised groups", model(dense(48) + normalize, "cosine", "8, 8")},
        {"odd groups", model(dense(17, "bias = false\n"), "cosine", "4, 31")},
        {"wide", model(dense(12, relu) + normalize + dense(68), "euclidean")},
    };
}

constexpr int batch = 12;

struct Tally {
    long compared = 0;
    std::vector<std::string> faults;
};

void check_program(const PlannedProgram& planned, int tuples, const KernelLibrary& library,
                   size_t first, Tally& tally) {
    const int tile = planned.program.batch == 1 ? 1 : row_quantum;
    const RowCounts rows{tuples, planned.program.graph.branches, 11, tile};
    const auto sources = RandomValues(7).sources(planned.program.graph, rows);
    const ProgramValues values(planned.program, sources, rows);
    const Findings findings = check_kernels(planned.program, values, library, first);
    tally.compared += findings.compared;
    for (const std::string& fault : findings.faults)
        tally.faults.push_back(fmt::format("{} with {} tuples: {}", planned.name, tuples, fault));
}

Tally check_model(const SmallModel& small, ScheduleChoice choice, const KernelTargets& targets,
                  int most) {
    const auto programs = programs_of(parse_model(small.text), most);
    std::vector<KernelTask> tasks;
    for (const PlannedProgram& planned : programs)
        for (KernelTask& task : tasks_of(planned.program, choice)) tasks.push_back(std::move(task));
    const KernelLibrary library(tasks, targets);
    Tally tally;
    size_t first = 0;
    for (const PlannedProgram& planned : programs) {
        const bool one = planned.program.batch == 1;
        for (const int tuples : one ? std::vector{1} : std::vector{4, batch})
            if (tuples <= planned.program.batch)
                check_program(planned, tuples, library, first, tally);
        first += planned.program.calls.size();
    }
    return tally;
}

void check_models(ScheduleChoice choice, const KernelTargets& targets) {
    const std::string missing = missing_here(targets.instructions);
    if (!missing.empty()) {
        WARN("NOT RUN: kernels for " << targets.instructions.to_string() << ": this machine has no "
                                     << missing);
        return;
    }
    for (const SmallModel& small : models()) {
        INFO("model " << small.name << " for " << targets.schedule.to_string());
        const Tally tally = check_model(small, choice, targets, batch);
        CHECK(tally.compared > 1000);
        CHECK(fmt::format("{}", fmt::join(tally.faults, "\n")) == "");
    }
}

void check_target(const std::string& target) {
    check_models(ScheduleChoice::tuned, {Halide::Target(target), Halide::Target(target)});
}

const char* const avx512 = "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41";

}  // namespace

TEST_CASE("naive schedules", "[schedules]") {
    check_models(ScheduleChoice::naive, host_targets());
}

TEST_CASE("kernels for this machine", "[schedules]") {
    check_models(ScheduleChoice::tuned, host_targets());
}

TEST_CASE("a training batch of one tuple", "[schedules]") {
    const SmallModel small = models()[3];
    const Tally tally = check_model(small, ScheduleChoice::tuned, host_targets(), 1);
    CHECK(tally.compared > 1000);
    CHECK(fmt::format("{}", fmt::join(tally.faults, "\n")) == "");
}

TEST_CASE("kernels for x86-64-linux-sse41", "[schedules]") {
    check_target("x86-64-linux-sse41");
}

TEST_CASE("kernels for x86-64-linux-avx-avx2-f16c-fma-sse41", "[schedules]") {
    check_target("x86-64-linux-avx-avx2-f16c-fma-sse41");
}

TEST_CASE("kernels for AVX-512", "[schedules]") {
    check_target(avx512);
}

// Their loops and tails, whatever this machine's instructions are.
TEST_CASE("AVX-512's schedules in this machine's instructions", "[schedules]") {
    check_models(ScheduleChoice::tuned, {Halide::Target(avx512), Halide::get_host_target()});
}

TEST_CASE("NEON's schedules in this machine's instructions", "[schedules]") {
    check_models(ScheduleChoice::tuned,
                 {Halide::Target("arm-64-linux"), Halide::get_host_target()});
}

}  // namespace siamc::test
