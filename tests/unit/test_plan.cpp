// The memory plan: nothing overlaps that is needed at once, nothing lies outside, every gradient is
// written once.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "abi/siamc/siamc.h"
#include "catch.h"
#include "compile.h"
#include "layers/structural.h"
#include "passes/planning.h"
#include "support/programs.h"

namespace siamc::compiler {

namespace {

using test::PlannedProgram;

const char* const odd_model = R"(name = "odd"
[input]
shape = [5, 7]
[[layer]]
type = "dense"
units = 37
activation = "relu"
[[layer]]
type = "dense"
units = 64
bias = false
[[layer]]
type = "dense"
units = 9
[[layer]]
type = "l2_normalize"
[distance]
type = "cosine"
[loss.triplet]
margin = 0.5
[loss.contrastive]
margin = 1.0
)";

// Whose parameters are made of each other before they are used.
const char* const normal_model = R"(name = "normal"
[input]
shape = [28, 28]
[[layer]]
type = "conv2d"
filters = 32
kernel = 3
[[layer]]
type = "batch_norm"
[[layer]]
type = "conv2d"
filters = 64
kernel = 3
bias = false
[[layer]]
type = "batch_norm"
[[layer]]
type = "relu"
[[layer]]
type = "max_pool"
[[layer]]
type = "dense"
units = 40
[[layer]]
type = "batch_norm"
[distance]
type = "cosine"
[loss.triplet]
margin = 0.5
[loss.batch_hard]
margin = 1.0
)";

struct Planned {
    std::string what;
    Program program;
    ParameterLayout parameters;
};

std::vector<Planned> plans() {
    std::vector<Planned> all;
    for (const ModelSpec& model :
         {read_model(std::filesystem::path(SIAMC_SOURCE_DIR) / "models/fc.toml"),
          read_model(std::filesystem::path(SIAMC_SOURCE_DIR) / "models/cnn.toml"),
          parse_model(odd_model), parse_model(normal_model)}) {
        for (const int batch : {1, 3, 100, 128, 1000})
            for (PlannedProgram& planned : test::programs_of(model, batch)) {
                const ParameterLayout layout = layout_of(model);
                all.push_back({fmt::format("{} {} for {}", model.name, planned.name, batch),
                               std::move(planned.program), layout});
            }
    }
    return all;
}

// How a batch of so many tuples is cut, by the executor's own rule.
struct Slicing {
    int tuples, slice, count;
};

Slicing slicing_of(const Program& program, int tuples) {
    siamc_program tables = {};
    tables.tuple_quantum = program.tuple_quantum;
    tables.slice_tuples = program.slice_tuples;
    const int slice = siamc_slice_tuples(&tables, tuples);
    return {tuples, slice, (tuples + slice - 1) / slice};
}

// Every number of whole register tiles that the program can be called with.
std::vector<Slicing> slicings_of(const Program& program) {
    std::vector<Slicing> all;
    for (int tuples = program.tuple_quantum; tuples <= program.batch;
         tuples += program.tuple_quantum)
        all.push_back(slicing_of(program, tuples));
    return all;
}

Stage stage_of(const Program& program, const Call& call) {
    return compiler::stage_of(program.kernels[static_cast<size_t>(call.kernel)]);
}

bool by_slices(const Call& call) {
    return call.tasks == 0;
}

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

// Bytes [begin, end) that a task of a call may touch of an operand.
struct Range {
    long begin, end;
};

Range range_of(const Slicing& slicing, int branches, const Call& call, const Operand& operand,
               int task) {
    const int tuple = by_slices(call) ? task * slicing.slice : 0;
    int tuples = slicing.tuples - tuple, slices = slicing.count, slice = 0;
    if (by_slices(call)) {
        tuples = std::min(slicing.slice, tuples);
        slices = 1;
        slice = task;
    }
    const int first = row_count(operand.rows, branches, tuple, slice);
    const long bytes = element_bytes(operand.type);
    long last = 0;
    for (size_t d = 0; d < operand.extent.size(); ++d) {
        int extent = operand.extent[d];
        if (extent == 0) extent = row_count(operand.rows, branches, tuples, slices);
        last += static_cast<long>(extent - 1) * operand.stride[d];
    }
    const long begin = operand.offset + task * operand.task_stride + first * operand.row_stride;
    return {begin, begin + (last + 1) * bytes};
}

template <typename Visit>
void for_each_access(const Program& program, const Slicing& slicing, Visit&& visit) {
    for (size_t c = 0; c < program.calls.size(); ++c) {
        const Call& call = program.calls[c];
        const int tasks = call.tasks ? call.tasks : slicing.count;
        const size_t inputs = program.kernels[static_cast<size_t>(call.kernel)].inputs.size();
        for (int task = 0; task < tasks; ++task)
            for (size_t i = 0; i < call.operands.size(); ++i)
                visit(static_cast<int>(c), task, call.operands[i],
                      range_of(slicing, program.graph.branches, call, call.operands[i], task),
                      i >= inputs);
    }
}

template <typename Visit>
void for_each_access(const Program& program, Visit&& visit) {
    for_each_access(program, slicing_of(program, program.batch), visit);
}

const Placement* placement_of(const Program& program, NodeId id) {
    for (const Placement& tensor : program.arena)
        if (tensor.node == base_of(program.graph, id)) return &tensor;
    return nullptr;
}

}  // namespace

TEST_CASE("calls run in three parts and slices cover the batch", "[plan]") {
    for (const Planned& planned : plans()) {
        const Program& program = planned.program;
        INFO(planned.what);
        REQUIRE(program.calls.size() == program.kernels.size());
        for (size_t c = 1; c < program.calls.size(); ++c)
            CHECK(stage_of(program, program.calls[c - 1]) <= stage_of(program, program.calls[c]));
        // One image alone may be shared by tasks of their own.
        for (const Call& call : program.calls)
            CHECK((by_slices(call) == (stage_of(program, call) == Stage::slices) ||
                   (!by_slices(call) && program.tuple_quantum == 1)));
        int calls = 0;
        for (const Part& part : program.parts) {
            for (int c = calls; c < calls + part.calls; ++c)
                CHECK(by_slices(program.calls[static_cast<size_t>(c)]) == part.by_slices);
            calls += part.calls;
        }
        CHECK(calls == static_cast<int>(program.calls.size()));
        CHECK(program.batch % program.tuple_quantum == 0);
        CHECK((program.slice_tuples == program.batch ||
               program.slice_tuples % program.tuple_quantum == 0));
        for (const Slicing& slicing : slicings_of(program)) {
            CHECK(slicing.count <= program.slices);
            CHECK(slicing.slice <= program.slice_tuples);
            CHECK(slicing.slice % program.tuple_quantum == 0);
            CHECK((slicing.count - 1) * slicing.slice < slicing.tuples);
        }
    }
}

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
            if (operand.space != Space::arena) {
                CHECK(range.end <= planned.parameters.padded * 4);
                return;
            }
            const Placement* tensor = placement_of(program, operand.node);
            REQUIRE(tensor);
            long start = tensor->offset;
            if (tensor->per_slice) start += program.slice_offset + task * program.slice_bytes;
            CHECK(range.begin >= start);
            CHECK(range.end <= start + tensor->bytes);
            CHECK(range.end <= program.arena_bytes);
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
    for (const PlannedProgram& planned : test::programs_of(model, 40)) {
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

TEST_CASE("blocks write each gradient once", "[plan]") {
    for (const Planned& planned : plans()) {
        const Program& program = planned.program;
        const auto& outputs = program.graph.outputs;
        const bool trains = std::any_of(outputs.begin(), outputs.end(), [&](NodeId id) {
            return program.graph[id].name.rfind("grad.", 0) == 0;
        });
        INFO(planned.what);
        std::vector<int> written(static_cast<size_t>(planned.parameters.padded));
        for_each_access(program, [&](int, int, const Operand& operand, Range range, bool output) {
            if (operand.space != Space::gradient) return;
            CHECK(output);
            // Blocks are dense.
            long size = 4;
            for (size_t d = 0; d < operand.extent.size(); ++d) size *= operand.extent[d];
            CHECK(range.end - range.begin == size);
            for (long i = range.begin / 4; i < range.end / 4; ++i)
                ++written[static_cast<size_t>(i)];
        });
        long real = 0;
        for (const ParameterSlot& slot : planned.parameters.slots) {
            long size = 1;
            for (int extent : slot.dims) size *= extent;
            const auto begin = written.begin() + slot.offset;
            CHECK(std::count(begin, begin + size, trains ? 1 : 0) == size);
            real += size;
        }
        CHECK(real == planned.parameters.count);
        CHECK(std::count(written.begin(), written.end(), 0) ==
              planned.parameters.padded - (trains ? real : 0));
    }
}

TEST_CASE("more layers than the executor has parts for are refused, with a line", "[plan]") {
    const auto deep = [](int norms) {
        std::string text = "name = \"deep\"\n[input]\nshape = [6]\n";
        for (int i = 0; i < norms; ++i)
            text += "[[layer]]\ntype = \"dense\"\nunits = 4\n[[layer]]\ntype = \"batch_norm\"\n";
        return text + "[distance]\ntype = \"euclidean\"\n[loss.contrastive]\nmargin = 1.0\n";
    };
    for (const PlannedProgram& planned : test::programs_of(parse_model(deep(60)), 8))
        CHECK(planned.program.parts.size() <= SIAMC_MAX_STAGES);
    try {
        test::programs_of(parse_model(deep(90)), 8);
        FAIL("it was planned");
    } catch (const ModelError& error) {
        const std::string message = error.message("m.toml");
        INFO(message);
        CHECK(message.find("each batch_norm takes three") != std::string::npos);
        CHECK(message.rfind("m.toml:1:", 0) != 0);
    }
}

TEST_CASE("a batch of one image is no single row where images look across", "[plan]") {
    const ModelSpec model = parse_model(R"(
name = "heads"
[input]
shape = [28, 28]
[[layer]]
type = "dense"
units = 1500
[distance]
type = "euclidean"
[loss.proxy_anchor]
classes = 5
[loss.batch_hard]
[loss.arcface]
classes = 5
)");
    for (const test::PlannedProgram& planned : test::programs_of(model, 1)) {
        const std::string& name = planned.name;
        INFO(name);
        const bool across = name == "proxy_anchor" || name == "batch_hard";
        if (!across && name != "arcface") continue;
        CHECK((planned.program.tuple_quantum > 1) == across);
        for (const Part& part : planned.program.parts)
            if (across) CHECK(part.tasks == 0);  // tasks that share an image know no phases
    }
}

}  // namespace siamc::compiler
