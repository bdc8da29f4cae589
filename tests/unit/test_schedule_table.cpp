// Tables of measured tiles: what siamc tune writes, siamc compile reads and finds kernels in.
#include "catch.h"
#include "compile.h"
#include "schedules/parameters.h"
#include "tune/candidates.h"

namespace siamc::compiler {

namespace {

TunedSchedule entry(const std::string& kernel, const std::string& family,
                    ScheduleParameters parameters) {
    return {kernel, family, parameters, 1.5, 2.25, 7, "a machine, 2 cores", "2026-11-25"};
}

const ScheduleTable table = {entry("conv2d_28x28x1__3x3x1x32_relu", "avx2", {2, 3}),
                             entry("conv2d_14x14x32__3x3x32x64_relu", "avx2", {1, 6}),
                             entry("dense_784x64", "avx512", {4, 0})};

}  // namespace

TEST_CASE("a table of schedules survives a file", "[schedule_table]") {
    const ScheduleTable again = parse_schedules(to_toml(table));
    REQUIRE(again.size() == table.size());
    for (size_t i = 0; i < table.size(); ++i) {
        CHECK(again[i].kernel == table[i].kernel);
        CHECK(again[i].family == table[i].family);
        CHECK(again[i].parameters == table[i].parameters);
        CHECK(again[i].us == table[i].us);
        CHECK(again[i].rule_us == table[i].rule_us);
        CHECK(again[i].candidates == table[i].candidates);
        CHECK(again[i].machine == table[i].machine);
        CHECK(again[i].date == table[i].date);
    }
    CHECK(parse_schedules("").empty());
}

TEST_CASE("what is no table of schedules is refused at its line", "[schedule_table]") {
    const auto line_of = [](const std::string& text) {
        try {
            parse_schedules(text);
        } catch (const ModelError& error) {
            return error.location().line;
        }
        return 0;
    };
    CHECK(line_of("[[schedule]]\nkernel = ") == 2);
    CHECK(line_of("\n[[schedule]]\nkernel = \"dense_1x1\"\n") == 2);
    CHECK(line_of("[[schedule]]\nkernel = 5\n") == 1);
}

TEST_CASE("a kernel finds its own tile, or the nearest, or none", "[schedule_table]") {
    const auto found = [](const std::string& kernel, const std::string& family) {
        return find_schedule(table, kernel, family);
    };
    CHECK(found("conv2d_28x28x1__3x3x1x32_relu", "avx2").from == "tuned");
    CHECK(found("conv2d_28x28x1__3x3x1x32_relu", "avx2").parameters == ScheduleParameters{2, 3});
    const ScheduleOrigin near = found("conv2d_16x16x32__3x3x32x48_relu", "avx2");
    CHECK(near.from == "nearest: conv2d_14x14x32__3x3x32x64_relu");
    CHECK(near.parameters == ScheduleParameters{1, 6});
    // Other operations, other registers.
    for (const char* kernel : {"conv2d_28x28x1__3x3x1x32", "dense_784x64", "relu_5"}) {
        CHECK(found(kernel, "avx2").from == "rule");
        CHECK(found(kernel, "avx2").parameters == ScheduleParameters{});
    }
    CHECK(found("conv2d_28x28x1__3x3x1x32_relu", "avx512").from == "rule");
    CHECK(found("dense_100x64", "avx512").from == "nearest: dense_784x64");
}

TEST_CASE("tiles from a table are in the library and its hash", "[schedule_table]") {
    const std::string text =
        "name = \"m\"\n[input]\nshape = [14, 14]\n[[layer]]\ntype = \"conv2d\"\nfilters = 32\n"
        "kernel = 3\n[[layer]]\ntype = \"flatten\"\n[distance]\ntype = \"cosine\"\n"
        "[loss.contrastive]\n";
    CompileOptions options;
    options.target = resolve_target("x86-64-linux-avx2");
    const auto plain = compile_model(parse_model(text), options);
    options.schedules = {entry("conv2d_14x14x1__3x3x1x32", "avx2", {2, 4})};
    const auto tuned = compile_model(parse_model(text), options);
    CHECK(plain->hash != tuned->hash);
    int found = 0, open = 0;
    const Variant& variant = options.target.variants[0];
    for (const auto& [name, kernel] : tuned->kernels) {
        const KernelTask task = for_variant(*tuned, kernel, variant);
        open += candidates(task, variant.target).size() > 1;
        if (task.tile.from != "tuned") continue;
        ++found;
        CHECK(task.tile.parameters == ScheduleParameters{2, 4});
    }
    CHECK(found >= 1);
    CHECK(open > found);
}

}  // namespace siamc::compiler
