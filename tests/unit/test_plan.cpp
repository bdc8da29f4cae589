// How calls are cut into parts and slices, and that every gradient is written once.
#include <fmt/format.h>

#include <algorithm>

#include "abi/siamc/siamc.h"
#include "catch.h"
#include "compile.h"
#include "frontend/model_spec.h"
#include "support/programs.h"
#include "targets/targets.h"
#include "unit/plans.h"

namespace siamc::compiler::test {

namespace {

Stage stage_of(const Program& program, const Call& call) {
    return compiler::stage_of(program.kernels[static_cast<size_t>(call.kernel)]);
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

TEST_CASE("slices that read large weights have sixteen rows for them", "[plan]") {
    const auto slices_of = [](int units, int tuples) {
        const ModelSpec model = parse_model(fmt::format(R"(
name = "wide"
[input]
shape = [32, 32]
[[layer]]
type = "dense"
units = {}
[distance]
type = "euclidean"
[loss.contrastive]
margin = 1.0
)",
                                                        units));
        for (const PlannedProgram& planned : programs_of(model, 128))
            if (planned.name == "contrastive") return slicing_of(planned.program, tuples).count;
        return 0;
    };
    CHECK(slices_of(1000, 32) == 8);
    CHECK(slices_of(1024, 32) == 4);
    CHECK(slices_of(1024, 8) == 1);
    CHECK(slices_of(1024, 128) == 8);
}

TEST_CASE("fewer images are embedded at once where they leave much behind", "[plan]") {
    const auto embedded = [](int side) {
        const ModelSpec model = parse_model(fmt::format(R"(
name = "wide"
[input]
shape = [{0}, {0}]
[[layer]]
type = "conv2d"
filters = 64
kernel = 3
[[layer]]
type = "max_pool"
[[layer]]
type = "dense"
units = 8
[distance]
type = "euclidean"
[loss.contrastive]
margin = 1.0
)",
                                                        side));
        CompileOptions options;
        options.target = resolve_target("x86-64-linux");
        options.batch = 8;
        const auto library = compile_model(model, options);
        for (const NamedProgram& named : library->programs)
            if (named.name == "embed") return named.program.batch;
        return 0;
    };
    CHECK(embedded(28) == 256);  // 43 KB of pooled floats an image
    CHECK(embedded(140) == 64);  // 1.2 MB
    CHECK(embedded(280) == 32);  // 5 MB: no fewer
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
    for (const PlannedProgram& planned : programs_of(parse_model(deep(60)), 8))
        CHECK(planned.program.parts.size() <= SIAMC_MAX_STAGES);
    try {
        programs_of(parse_model(deep(90)), 8);
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
    for (const PlannedProgram& planned : programs_of(model, 1)) {
        const std::string& name = planned.name;
        INFO(name);
        const bool across = name == "proxy_anchor" || name == "batch_hard";
        if (!across && name != "arcface") continue;
        CHECK((planned.program.tuple_quantum > 1) == across);
        for (const Part& part : planned.program.parts)
            if (across) CHECK(part.tasks == 0);  // tasks that share an image know no phases
    }
}

}  // namespace siamc::compiler::test
