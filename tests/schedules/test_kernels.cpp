// Every kernel of a few small models of awkward sizes, for every kind of processor, between guard
// pages and against the same algorithm in double.
#include "catch.h"
#include "frontend/model_spec.h"
#include "schedules/checked_model.h"
#include "support/program_runner.h"
#include "support/programs.h"

namespace siamc::compiler::test {

namespace {

const std::string relu = "activation = \"relu\"\n";
const std::string leaky = "activation = \"leaky_relu\"\n";
const std::string tanh = "activation = \"tanh\"\n";
const std::string gelu = "activation = \"gelu\"\n";
const std::string normalize = "[[layer]]\ntype = \"l2_normalize\"\n";
const std::string layer_norm = "[[layer]]\ntype = \"layer_norm\"\n";

void check_instructions(const Halide::Target& target, Processor processor = Processor::cpu) {
    const std::string missing = missing_here(target);
    if (!missing.empty()) {
        WARN("NOT RUN: kernels for " << target.to_string() << ": here is no " << missing);
        return;
    }
    const CheckedModel checked(model(conv(16, 3, relu) + layer("max_pool") + dense(24), "cosine"),
                               4, processor);
    checked.check(ScheduleChoice::tuned, {target, target});
}

}  // namespace

// The other tests run them where they can, and say nothing where they cannot.
TEST_CASE("AVX-512 instructions", "[schedules]") {
    check_instructions(avx512_target());
}

TEST_CASE("NEON instructions", "[schedules]") {
    check_instructions(neon_target());
}

TEST_CASE("an OpenCL device", "[schedules]") {
    check_instructions(opencl_target(), Processor::gpu);
}

// The guard pages guard, here and under emulation: a kernel that is given one element of what it
// reads must not get away with it.
TEST_CASE("a kernel that leaves its buffers is found out", "[schedules]") {
    const auto programs = programs_of(parse_model(model(dense(9), "euclidean")), 4);
    const Program& program = programs.front().program;
    const RowCounts rows{1, program.graph.branches, 11, 1};
    for (const KernelTargets& targets : tested_targets()) {
        const KernelLibrary library(tasks_of(program, ScheduleChoice::tuned), targets);
        const Call& call = program.calls.back();
        std::vector<Operand> operands = call.operands;
        for (const bool cut : {false, true, false}) {
            operands[0].extent[0] = cut ? 1 : call.operands[0].extent[0];
            operands[0].readable = cut ? 1 : call.operands[0].readable;
            Boxes boxes;
            for (const Operand& operand : operands) {
                const Tensor64 tensor = make_tensor(program.graph[operand.node].shape, rows);
                boxes.push_back(std::make_unique<Box>(operand, tensor, 0, Against::end));
                if (!cut) boxes.back()->fill(tensor);
            }
            const std::string end = library.run(program.calls.size() - 1, boxes);
            INFO(targets.instructions.to_string() << ": " << end);
            CHECK((end.find("outside its buffers") != std::string::npos) == cut);
            CHECK(end.empty() == !cut);
        }
    }
}

TEST_CASE("odd sizes", "[schedules]") {
    check_model(model(dense(7, gelu) + dense(127, leaky) + dense(9, tanh) + normalize, "euclidean"),
                12);
}

TEST_CASE("one unit", "[schedules]") {
    check_model(model(dense(17, relu) + dense(1, relu) + dense(17, "bias = false\n"), "cosine"),
                12);
}

TEST_CASE("whole vectors", "[schedules]") {
    check_model(model(dense(64, gelu) + dense(48, tanh) + normalize, "squared_euclidean"), 12);
}

TEST_CASE("groups of zeros", "[schedules]") {
    const std::string groups = model(dense(64, relu) + dense(9), "euclidean", "6, 6");
    check_model(groups, 12);
    check_model(groups, 1);  // a training batch of one tuple
}

TEST_CASE("groups of zeros, then normalisation", "[schedules]") {
    check_model(model(dense(48) + normalize, "cosine", "8, 8"), 12);
}

TEST_CASE("an odd number of groups", "[schedules]") {
    check_model(model(dense(17, "bias = false\n"), "cosine", "4, 31"), 12);
}

TEST_CASE("more rows than vectors", "[schedules]") {
    check_model(model(dense(12, relu) + layer_norm + dense(68), "euclidean"), 12);
}

TEST_CASE("convolutions whose windows are pooled", "[schedules]") {
    check_model(model(conv(16, 3, relu) + layer("max_pool") + conv(24, 3, relu) +
                          layer("max_pool") + dense(9) + normalize,
                      "euclidean", "12, 13"),
                4);
}

// As a table may have them for other extents.
TEST_CASE("tiles that do not fit", "[schedules]") {
    const CheckedModel checked(model(conv(32, 3, relu) + layer("max_pool") + conv(16, 3, relu) +
                                         layer("max_pool") + conv(9, 1, "stride = 2\n") + dense(24),
                                     "cosine", "11, 10"),
                               4);
    for (const ScheduleParameters& tile :
         {ScheduleParameters{3, 12}, ScheduleParameters{8, 7}, ScheduleParameters{1, 0}})
        checked.check(ScheduleChoice::tuned, host_targets(), tile);
}

TEST_CASE("pooling of what is pooled", "[schedules]") {
    check_model(model(conv(16, 3, relu) + layer("max_pool") + layer("relu") + layer("max_pool") +
                          layer("average_pool") + dense(9),
                      "euclidean", "18, 19"),
                4);
}

TEST_CASE("overlapping windows", "[schedules]") {
    check_model(model(conv(9, 3, "stride = 2\n") + layer("max_pool", "window = 3\nstride = 2\n") +
                          conv(8, 2, leaky) + layer("max_pool", "stride = 1\n") + dense(7),
                      "cosine", "17, 16"),
                4);
}

TEST_CASE("zeros around images, and means", "[schedules]") {
    check_model(model(conv(8, 3, "padding = \"same\"\nbias = false\n" + leaky) +
                          layer("average_pool") + conv(5, 2, gelu + "padding = \"same\"\n") +
                          layer("global_average_pool") + dense(3),
                      "squared_euclidean", "9, 8"),
                4);
}

// Its gradient reads what it is of, so that has to reach memory unpooled.
TEST_CASE("pooling behind a function that is no relu", "[schedules]") {
    check_model(model(conv(9, 3, gelu) + layer("average_pool") + conv(16, 2, tanh) +
                          layer("max_pool") + dense(3),
                      "euclidean", "13, 12"),
                4);
}

TEST_CASE("channels in groups, and windows with gaps", "[schedules]") {
    check_model(model(conv(6, 3, relu) + conv(12, 3, "groups = 0\npadding = \"same\"\n" + relu) +
                          layer("max_pool") + conv(8, 2, "groups = 4\n") +
                          conv(16, 2, "groups = 2\ndilation = 2\n" + relu) + dense(3),
                      "euclidean", "13, 12"),
                4);
}

TEST_CASE("a normalised batch", "[schedules]") {
    check_model(model(conv(9, 3) + layer("batch_norm") + layer("relu") + layer("max_pool") +
                          dense(17) + layer("batch_norm") + layer("dropout") + dense(3),
                      "euclidean", "9, 8"),
                4);
}

TEST_CASE("weights as halves", "[schedules]") {
    const CheckedModel checked(
        model(conv(16, 3, relu) + conv(32, 3, relu) + layer("max_pool") + dense(71) + dense(64),
              "euclidean", "10, 11"),
        4, Processor::cpu, true);
    checked.check(ScheduleChoice::tuned, host_targets());
}

TEST_CASE("normalised channels, and a distance with weights", "[schedules]") {
    check_model(model(conv(8, 3, "bias = false\n") + layer("group_norm", "groups = 4\n") +
                          layer("relu") + conv(17, 2) + layer("group_norm", "groups = 0\n") +
                          layer("global_average_pool") + dense(3),
                      "weighted_l1", "9, 8"),
                4);
}

// Of distances between all images, and of each image alone.
TEST_CASE("losses that see the whole batch", "[schedules]") {
    const std::string start = "name = \"m\"\n[input]\nshape = [5, 7]\nscale = 0.00390625\n" +
                              dense(17, relu) + dense(9) + normalize;
    for (const std::string& losses :
         {std::string("[distance]\ntype = \"euclidean\"\n[loss.batch_hard]\nmargin = 0.2\n"
                      "[loss.batch_all]\nmargin = 0.1\n[loss.semi_hard]\nmargin = 0.3\n"
                      "[loss.batch_contrastive]\nmargin = 0.9\n"
                      "[loss.arcface]\nclasses = 5\n[loss.proxy_anchor]\nclasses = 7\n"),
          std::string("[distance]\ntype = \"cosine\"\n[loss.n_pair]\ntemperature = 0.5\n"
                      "[loss.supervised_contrastive]\ntemperature = 0.3\n"
                      "[loss.multi_similarity]\n[loss.circle]\n"),
          std::string("[distance]\ntype = \"squared_euclidean\"\n[loss.prototypical]\n")})
        check_model(start + losses, 20);
}

}  // namespace siamc::compiler::test
