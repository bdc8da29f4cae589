// The memory plan: nothing overlaps that is needed at once, and nothing lies outside.
#include <algorithm>

#include "catch.h"
#include "frontend/model_spec.h"
#include "layers/structural.h"
#include "support/programs.h"
#include "unit/plans.h"

namespace siamc::compiler::test {

namespace {

// Whether each task of the call has a slice's memory: slices, and tasks that go through all calls
// of their part.
bool has_own_part(const Program& program, size_t call) {
    if (by_slices(program.calls[call])) return true;
    size_t end = 0;
    for (const Part& part : program.parts) {
        end += static_cast<size_t>(part.calls);
        if (call < end) return part.tasks > 0 && part.tasks <= program.slices;
    }
    return false;
}

}  // namespace

TEST_CASE("tensors start on a cache line and lie in the arena", "[plan]") {
    for (const Planned& planned : plans()) {
        const Program& program = planned.program;
        INFO(planned.what);
        CHECK(program.slice_offset % 64 == 0);
        CHECK(program.slice_bytes % 64 == 0);
        CHECK(program.first_images >= program.slice_offset + program.slices * program.slice_bytes);
        CHECK(program.first_images % 64 == 0);
        CHECK(program.arena_bytes >= program.first_images + 4 * (program.slices + 1));
        for (const Placement& tensor : program.arena) {
            INFO(program.graph[tensor.node].name);
            CHECK(tensor.offset % 64 == 0);
            CHECK(tensor.bytes > 0);
            CHECK(tensor.offset >= 0);
            CHECK(tensor.offset + tensor.bytes <=
                  (tensor.per_slice ? program.slice_bytes : program.slice_offset));
        }
    }
}

TEST_CASE("tensors that live at the same time share no byte", "[plan]") {
    for (const Planned& planned : plans()) {
        const Program& program = planned.program;
        INFO(planned.what);
        // Lives, found anew: from the first access to the last; what the caller writes or reads,
        // all the time.
        std::vector<std::pair<int, int>> lives(program.arena.size(), {1 << 30, -1});
        for_each_access(program, [&](int call, int, const Operand& operand, Range, bool) {
            const Placement* tensor = placement_of(program, operand.node);
            if (!tensor) return;
            auto& life = lives[static_cast<size_t>(tensor - program.arena.data())];
            life = {std::min(life.first, call), std::max(life.second, call)};
            // Another slice's part is not there in a call on the whole batch.
            if (tensor->per_slice) CHECK(has_own_part(program, static_cast<size_t>(call)));
        });
        for (size_t a = 0; a < program.arena.size(); ++a) {
            const Placement& one = program.arena[a];
            const auto& outputs = program.graph.outputs;
            const bool source = program.graph[one.node].op->pattern == Pattern::source;
            const bool output = std::count(outputs.begin(), outputs.end(), one.node) > 0;
            INFO(program.graph[one.node].name);
            REQUIRE(lives[a].second >= 0);
            CHECK(one.first_call <= (source ? 0 : lives[a].first));
            CHECK(one.last_call >=
                  (output ? static_cast<int>(program.calls.size()) - 1 : lives[a].second));
            for (size_t b = 0; b < a; ++b) {
                const Placement& other = program.arena[b];
                if (one.per_slice != other.per_slice) continue;
                const bool together =
                    lives[a].first <= lives[b].second && lives[b].first <= lives[a].second;
                const bool overlap = one.offset < other.offset + other.bytes &&
                                     other.offset < one.offset + one.bytes;
                INFO(program.graph[other.node].name);
                CHECK(!(overlap && (together || !one.per_slice)));
            }
        }
    }
}

namespace {

// Whether a task that reads what another call of its part writes finds it written: by itself.
bool is_own(const Part& part, const Operand& written, const Operand& read) {
    if (part.by_slices) return read.rows != Rows::batch && read.rows != Rows::slices;
    if (part.tasks == 1) return true;
    const bool is_view = read.node != written.node;
    return part.tasks > 1 && read.offset == written.offset &&
           read.task_stride == written.task_stride && (is_view || read.extent == written.extent);
}

}  // namespace

TEST_CASE("within a part a task reads what it has written itself", "[plan]") {
    int chained = 0;
    for (const Planned& planned : plans()) {
        const Program& program = planned.program;
        INFO(planned.what);
        size_t first = 0;
        for (const Part& part : program.parts) {
            const size_t end = first + static_cast<size_t>(part.calls);
            for (size_t a = first; a < end; ++a)
                for (size_t b = a + 1; b < end; ++b) {
                    const Call &writes = program.calls[a], &reads = program.calls[b];
                    const auto inputs_of = [&](const Call& call) {
                        return program.kernels[static_cast<size_t>(call.kernel)].inputs.size();
                    };
                    for (size_t w = inputs_of(writes); w < writes.operands.size(); ++w)
                        for (size_t r = 0; r < inputs_of(reads); ++r) {
                            const Operand &written = writes.operands[w], &read = reads.operands[r];
                            if (base_of(program.graph, read.node) != written.node) continue;
                            ++chained;
                            INFO(program.graph[written.node].name);
                            CHECK(is_own(part, written, read));
                        }
                }
            first = end;
        }
    }
    CHECK(chained > 0);
}

TEST_CASE("every task stays inside its tensors", "[plan]") {
    for (const Planned& planned : plans()) {
        const Program& program = planned.program;
        INFO(planned.what);
        const auto check = [&](int call, int task, const Operand& operand, Range range, bool) {
            INFO("call " << call << " task " << task << " " << program.graph[operand.node].name);
            if (operand.space == Space::dataset) return;
            CHECK(range.begin >= 0);
            CHECK(range.begin < range.end);
            const long behind = operand.readable - operand.extent[0];  // may be read, too
            const long read_end =
                range.end + (operand.readable ? behind * element_bytes(operand.type) : 0);
            if (operand.space != Space::arena) {
                CHECK(read_end <= planned.parameters.padded * 4);
                return;
            }
            const Placement* tensor = placement_of(program, operand.node);
            REQUIRE(tensor);
            long start = tensor->offset;
            if (tensor->per_slice) start += program.slice_offset + task * program.slice_bytes;
            CHECK(range.begin >= start);
            CHECK(range.end <= start + tensor->bytes);
            CHECK(read_end <= program.arena_bytes);
        };
        for (const int tuples :
             {program.tuple_quantum,
              program.batch / 2 / program.tuple_quantum * program.tuple_quantum, program.batch})
            if (tuples > 0) for_each_access(program, slicing_of(program, tuples), check);
    }
}

TEST_CASE("what a view shows the caller lies there for the whole batch", "[plan]") {
    const ModelSpec model = parse_model(
        "name = \"m\"\n[input]\nshape = [12, 12]\n[[layer]]\ntype = \"conv2d\"\nfilters = 16\n"
        "kernel = 3\nstride = 5\n[[layer]]\ntype = \"flatten\"\n[distance]\ntype = \"cosine\"\n"
        "[loss.contrastive]\n");
    for (const PlannedProgram& planned : programs_of(model, 40)) {
        if (planned.name != "embed" && planned.name != "embed_one") continue;
        const Program& program = planned.program;
        INFO(planned.name);
        REQUIRE(program.graph[program.graph.outputs[0]].op->pattern == Pattern::view);
        const Placement* tensor = placement_of(program, program.graph.outputs[0]);
        REQUIRE(tensor);
        CHECK(!tensor->per_slice);
        CHECK(tensor->last_call == static_cast<int>(program.calls.size()) - 1);
        CHECK(tensor->bytes == program.batch * program.graph[tensor->node].shape.size() * 4);
    }
}

}  // namespace siamc::compiler::test
