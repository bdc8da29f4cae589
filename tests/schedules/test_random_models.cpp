// Random models that the language allows: every one compiles, for every kind of target, and the
// kernels of some are held to the same algorithm in double. A few in each run; as many as the
// environment variable SIAMC_RANDOM_MODELS says, from the seed SIAMC_FIRST_MODEL on, for a long
// one.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <set>

#include "catch.h"
#include "frontend/model_spec.h"
#include "layers/op.h"
#include "support/halide_errors.h"
#include "support/program_runner.h"
#include "support/programs.h"
#include "support/random_model.h"
#include "support/random_values.h"
#include "support/scratch_folder.h"
#include "targets/targets.h"

namespace siamc::compiler::test {

namespace {

unsigned setting(const char* name, unsigned otherwise) {
    const char* text = std::getenv(name);
    return text ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

// Throws what Halide has to say. Each kernel once, however many calls it has.
void compile_kernels(const std::vector<PlannedProgram>& programs, const Halide::Target& target) {
    throw_halide_errors();
    const ScratchFolder folder;
    const std::string object = folder.path() / "kernel.o";
    std::set<std::string> known;
    for (const PlannedProgram& planned : programs)
        for (const KernelTask& task : tasks_of(planned.program, ScheduleChoice::tuned))
            if (known.insert(signature(task)).second)
                generate(task, Halide::GeneratorContext(target), "kernel")
                    .compile({{Halide::OutputFileType::object, object}});
}

// Losses that see the whole batch or an image alone are not made for devices.
ModelSpec made_for(const Halide::Target& target, ModelSpec model) {
    if (target.has_gpu_feature())
        std::erase_if(model.losses, [](const LayerSpec& loss) {
            return branches_of(find_layer(loss.type, LayerKind::loss)->sees) == 1;
        });
    return model;
}

void compile_model(const std::string& text, const char* target, int batch) {
    INFO(target << ", batch " << batch << "\n" << text);
    try {
        const Halide::Target built = kernel_target(Halide::Target(target));
        compile_kernels(programs_of(made_for(built, parse_model(text)), batch,
                                    built.has_gpu_feature() ? Processor::gpu : Processor::cpu),
                        built);
        SUCCEED();
    } catch (const std::exception& error) {
        FAIL_CHECK(error.what());
    }
}

const std::vector<const char*> targets = {
    "x86-64-linux-avx-avx2-f16c-fma-sse41",
    "x86-64-linux-sse41",
    "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41",
    "arm-64-linux",
    "x86-64-linux-opencl-sse41",
    "x86-64-linux-cuda-cuda_capability_70-sse41"};

void hold_to_double(const std::string& text, int batch) {
    INFO("batch " << batch << "\n" << text);
    const auto programs = programs_of(parse_model(text), batch);
    for (const PlannedProgram& planned : programs) {
        const Program& program = planned.program;
        const RowCounts rows{program.batch, program.graph.branches, 11, program.tuple_quantum};
        const ProgramValues values(program, RandomValues(7).sources(program.graph, rows), rows);
        const KernelLibrary library(tasks_of(program, ScheduleChoice::tuned), host_targets());
        const Findings findings = check_kernels(program, values, library);
        CHECK(findings.compared > 0);
        CHECK(fmt::format("{}: {}", planned.name, fmt::join(findings.faults, "\n")) ==
              planned.name + ": ");
    }
}

}  // namespace

TEST_CASE("random models compile", "[schedules]") {
    const unsigned first = setting("SIAMC_FIRST_MODEL", 0);
    const unsigned count = setting("SIAMC_RANDOM_MODELS", 8);
    const std::vector<int> batches = {1, 2, 3, 8, 33};
    for (unsigned seed = first; seed < first + count; ++seed) {
        const int batch = batches[seed % batches.size()];
        compile_model(random_model(seed), targets[0], batch);
        if (seed % 4 != 0) continue;
        const char* target = targets[1 + seed / 4 % (targets.size() - 1)];
        const bool for_device = Halide::Target(target).has_gpu_feature();
        compile_model(random_model(seed, for_device), target, batch);
    }
    fmt::print("{} random models compiled, from {} on\n", count, first);
}

TEST_CASE("kernels of random models give what double precision gives", "[schedules]") {
    for (unsigned seed = 100; seed < 102; ++seed) hold_to_double(random_model(seed), 4);
}

TEST_CASE("many elementwise layers behind a product", "[schedules]") {
    std::string layers;
    for (const char* type : {"relu", "leaky_relu", "relu", "gelu", "leaky_relu", "relu", "silu",
                             "relu", "leaky_relu", "tanh", "leaky_relu", "sigmoid"})
        layers += fmt::format("[[layer]]\ntype = \"{}\"\n", type);
    layers += "[[layer]]\ntype = \"add\"\nwith = \"dense1\"\n";
    const std::string text =
        "name = \"m\"\n[input]\nshape = [2, 4]\n[[layer]]\ntype = \"dense\"\n"
        "units = 4\n" +
        layers + "[distance]\ntype = \"cosine\"\n[loss.contrastive]\n";
    hold_to_double(text, 4);
    for (const PlannedProgram& planned : programs_of(parse_model(text), 8))
        for (const Call& call : planned.program.calls) CHECK(call.operands.size() <= 12);
}

}  // namespace siamc::compiler::test
