// Programs for GPUs: what their plans promise to siamc_device.h.
#include <fmt/format.h>

#include <algorithm>

#include "catch.h"
#include "compile.h"
#include "frontend/model_spec.h"
#include "layers/structural.h"
#include "schedules/schedule.h"
#include "support/programs.h"

namespace siamc::compiler::test {

namespace {

const char* const odd_model = R"(
name = "m"
[input]
shape = [11, 10]
[[layer]]
type = "conv2d"
filters = 9
kernel = 3
activation = "relu"
[[layer]]
type = "max_pool"
[[layer]]
type = "dense"
units = 37
activation = "relu"
[[layer]]
type = "dense"
units = 5
[[layer]]
type = "l2_normalize"
[distance]
type = "euclidean"
[loss.contrastive]
[loss.triplet]
)";

std::vector<PlannedProgram> programs() {
    return programs_of(parse_model(odd_model), 40, Processor::gpu);
}

bool meet(const Placement& a, const Placement& b) {
    return a.first_call <= b.last_call && b.first_call <= a.last_call;
}

}  // namespace

TEST_CASE("a GPU takes whole tiles of the whole batch", "[gpu]") {
    for (const PlannedProgram& planned : programs()) {
        const Program& program = planned.program;
        INFO(planned.name);
        CHECK(program.tuple_quantum == gpu_row_quantum);
        CHECK(program.batch == (planned.name == "embed_one" ? 32 : 64));
        CHECK(program.slice_tuples == program.batch);
        CHECK(program.slices == 1);
        for (const Call& call : program.calls) CHECK(call.tasks <= 1);
    }
}

TEST_CASE("every operand of a GPU's kernel starts where a buffer may", "[gpu]") {
    long checked = 0;
    for (const PlannedProgram& planned : programs())
        for (const Call& call : planned.program.calls)
            for (const Operand& operand : call.operands) {
                INFO(planned.name << " " << planned.program.graph[operand.node].name);
                CHECK(operand.offset % 256 == 0);
                ++checked;
            }
    CHECK(checked > 100);
}

TEST_CASE("a GPU's tensors that live together lie apart", "[gpu]") {
    for (const PlannedProgram& planned : programs()) {
        const Program& program = planned.program;
        INFO(planned.name);
        for (const Placement& a : program.arena) {
            const long start = a.offset + (a.per_slice ? program.slice_offset : 0);
            INFO(program.graph[a.node].name);
            CHECK(start + a.bytes <= program.arena_bytes);
            for (const Placement& b : program.arena) {
                if (a.node >= b.node || !meet(a, b)) continue;
                INFO(program.graph[b.node].name);
                const long other = b.offset + (b.per_slice ? program.slice_offset : 0);
                CHECK((start + a.bytes <= other || other + b.bytes <= start));
            }
        }
    }
}

TEST_CASE("a GPU's tuples show their own images", "[gpu]") {
    for (const PlannedProgram& planned : programs()) {
        INFO(planned.name);
        int branches = 0;
        for (const Node& node : planned.program.graph.nodes) {
            CHECK(node.op != &places_op());
            CHECK(node.op != &pick_op());
            CHECK(node.op != &pick_grad_op());
            branches += node.op == &branch_op();
        }
        CHECK((branches > 0) == (planned.program.graph.branches > 1));
    }
}

}  // namespace siamc::compiler::test
