// bench_schedules: every kernel of a model under every scheduler, each checked against the plainest
// schedule before it is timed, and held against what the machine can do at best.
//
// The bound of a kernel is the longer of two times: its multiply-adds at the peak of one core, and
// its operands read once at the rate at which that core reads as many bytes again and again. One
// thread: a program's parallelism is between kernels' calls, not within. A kernel whose operands
// are a little larger than a cache may beat its bound, since part of them stays there.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "cli/run_program.h"
#include "cli/values.h"
#include "compile.h"
#include "core/error.h"
#include "core/files.h"
#include "emit/kernel_cost.h"
#include "machine/machine.h"
#include "machine/timing.h"
#include "schedule_chart.h"
#include "tune/contestant.h"
#include "tune/kernel_buffers.h"
#include "tune/shared_floats.h"

namespace siamc::compiler {
namespace {

using Json = nlohmann::ordered_json;

constexpr int rounds = 5;

const std::vector<Scheduler> schedulers = {
    {"naive", "", ScheduleChoice::naive},  // first: the others are compared with its results
    {"Adams2019", "libautoschedule_adams2019.so", ScheduleChoice::automatic},
    {"Mullapudi2016", "libautoschedule_mullapudi2016.so", ScheduleChoice::automatic},
    {"Li2018", "libautoschedule_li2018.so", ScheduleChoice::automatic},
    {"tuned", "", ScheduleChoice::tuned},
};

std::vector<cli::Group> options() {
    const auto seconds = [](const char* name, const char* initial, const char* help) {
        return cli::Option{.name = name,
                           .kind = cli::Real{.least = 0, .most = 1e6, .above = true},
                           .unit = "seconds",
                           .initial = initial,
                           .help = help};
    };
    return {
        {"What to time",
         {{.name = "model", .kind = cli::a_file, .initial = "models/fc.toml", .help = "its file"},
          {.name = "target",
           .initial = "host",
           .help = "what to compile for; it must run on this machine"},
          {.name = "batch",
           .kind = cli::Whole{1, 65536},
           .unit = "tuples",
           .initial = "128",
           .help = "of a training step"},
          {.name = "kernel", .fallback = "all", .help = "those with this in their name"},
          {.name = "schedule",
           .fallback = "all",
           .help = "only this scheduler beside the naive one"}}},
        {"How to time",
         {seconds("seconds", "0.25", "to time each schedule of a kernel"),
          {.name = "time-limit",
           .kind = cli::Whole{1, 1'000'000},
           .unit = "seconds",
           .initial = "60",
           .help = "a schedule may compile"},
          {.name = "chart", .kind = cli::a_file, .help = "draw the rows into this SVG file"},
          {.name = "json", .kind = cli::Flag{}, .help = "print one JSON object on stdout"}}}};
}

// Every feature of the target must be one of this machine's: the kernels run here.
bool runs_here(const Halide::Target& target) {
    const Halide::Target host = host_target();
    bool runs = target.arch == host.arch && target.bits == host.bits && target.os == host.os;
    for (int f = 0; f < Halide::Target::FeatureEnd; ++f) {
        const auto feature = static_cast<Halide::Target::Feature>(f);
        runs = runs && (!target.has_feature(feature) || host.has_feature(feature));
    }
    return runs;
}

// Of several variants the first that runs here.
LibraryTarget runnable_target(const std::string& text) {
    for (const Variant& variant : resolve_target(text).variants)
        if (runs_here(variant.target)) return single_target(variant.target);
    fail(Exit::usage,
         "--target: this machine cannot run {}\n  why: it is {}\n  write: host, or a target "
         "with fewer features",
         text, host_target().to_string());
}

using Kernels = std::vector<std::pair<std::string, KernelTask>>;

Kernels choose_kernels(const Library& library, const std::string& part_of_name) {
    Kernels chosen;
    for (const auto& kernel : library.kernels)
        if (kernel.first.find(part_of_name) != std::string::npos) chosen.push_back(kernel);
    if (chosen.empty())
        fail(Exit::usage, "--kernel: no kernel of model {} has '{}' in its name",
             library.model.name, part_of_name);
    return chosen;
}

std::vector<Scheduler> choose_schedulers(const std::string& name) {
    if (name.empty()) return schedulers;
    std::vector<Scheduler> chosen;
    for (const Scheduler& scheduler : schedulers)
        if (scheduler.choice == ScheduleChoice::naive || scheduler.name == name)
            chosen.push_back(scheduler);
    if (chosen.size() == 1 && name != chosen[0].name)
        fail(Exit::usage, "--schedule: no scheduler '{}'\n  write: tuned, Adams2019, ...", name);
    return chosen;
}

struct Bounds {
    double peak_gflops = 0;
    std::map<long, double> gbs;  // by working set

    double seconds(const KernelCost& cost) {
        const long bytes = static_cast<long>(cost.bytes);
        if (!gbs.count(bytes)) gbs[bytes] = read_gbs(bytes, 1);
        return std::max(cost.flops / peak_gflops, cost.bytes / gbs[bytes]) * 1e-9;
    }
};

Json row_of(const Contestant& contestant, double seconds, const KernelCost& cost,
            const Bounds& bounds, double bound) {
    const bool timed = contestant.failed().empty();
    const double gflops = cost.flops / seconds * 1e-9;
    const auto if_timed = [&](double value) { return timed ? Json(value) : Json(); };
    const auto if_counted = [&](double value) { return cost.flops > 0 ? if_timed(value) : Json(); };
    return {{"compile_s", timed ? Json(contestant.compile_seconds()) : Json()},
            {"us", if_timed(seconds * 1e6)},
            {"gflops", if_counted(gflops)},
            {"peak_share", if_counted(gflops / bounds.peak_gflops)},
            {"bound_us", bound * 1e6},
            {"bound_share", if_timed(bound / seconds)},
            {"max_error", if_timed(contestant.error())},
            {"failed", timed ? Json() : Json(contestant.failed())}};
}

// The rows of one kernel: all schedules are compiled and checked, then take turns.
Json time_kernel(const std::string& symbol, const KernelTask& task, const cli::Values& values,
                 const Halide::Target& target, Bounds& bounds) {
    KernelBuffers buffers(task);
    const SharedFloats reference(buffers.output_floats());
    const std::vector<Scheduler> chosen =
        choose_schedulers(values.has("schedule") ? values.text("schedule") : "");
    Contest contest = {&task, target, &buffers, reference.data(),
                       static_cast<unsigned>(values.whole("time-limit"))};
    std::vector<std::unique_ptr<Contestant>> contestants;
    for (const Scheduler& scheduler : chosen) {
        contestants.push_back(std::make_unique<Contestant>(contest, scheduler));
        const bool ready = contestants.back()->ready();
        if (scheduler.choice == ScheduleChoice::naive && !ready) contest.reference = nullptr;
    }
    std::vector<std::vector<double>> turns(contestants.size());
    for (int round = 0; round < rounds; ++round)
        for (std::size_t c = 0; c < contestants.size(); ++c)
            turns[c].push_back(contestants[c]->turn(values.real("seconds") / rounds));
    const KernelCost cost = cost_of(task);
    const double bound = bounds.seconds(cost);
    Json rows = Json::array();
    for (std::size_t c = 0; c < contestants.size(); ++c) {
        Json row = {
            {"kernel", symbol}, {"target", target.to_string()}, {"schedule", chosen[c].name}};
        row.update(row_of(*contestants[c], median(turns[c]), cost, bounds, bound));
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string cell(const Json& value, double scale, int digits) {
    return value.is_null() ? "-" : fmt::format("{:.{}f}", value.get<double>() * scale, digits);
}

void print_kernel(const Json& rows) {
    print("\n{}, bound {} us\n", rows[0]["kernel"].get<std::string>(),
          cell(rows[0]["bound_us"], 1, 2));
    for (const Json& row : rows) {
        const std::string schedule = row["schedule"];
        if (!row["failed"].is_null()) {
            print("  {:<14} failed: {}\n", schedule, row["failed"].get<std::string>());
            continue;
        }
        print("  {:<14}{:>11}{:>12}{:>10}{:>10}{:>10}{:>12.1e}\n", schedule,
              cell(row["compile_s"], 1, 2), cell(row["us"], 1, 2), cell(row["gflops"], 1, 1),
              cell(row["peak_share"], 100, 1), cell(row["bound_share"], 100, 1),
              row["max_error"].get<double>());
    }
    flush_output();
}

// A model's faults become errors that name the file.
std::unique_ptr<Library> compile_named_model(const std::string& file,
                                             const CompileOptions& options) {
    try {
        return compile_model(read_model(file), options);
    } catch (const ModelError& error) {
        throw Error(Exit::bad_data, error.message(file));
    }
}

int bench_schedules(const cli::Values& values) {
    const bool json = values.flag("json");
    CompileOptions compile;
    compile.target = runnable_target(values.text("target"));
    compile.batch = values.whole("batch");
    const auto library = compile_named_model(values.text("model"), compile);
    const auto chosen = choose_kernels(*library, values.has("kernel") ? values.text("kernel") : "");
    const Variant& variant = compile.target.variants[0];
    prepare_compiler(variant.target);
    Bounds bounds;
    bounds.peak_gflops = peak_gflops(1);
    Json result = {{"machine", describe_machine()},
                   {"date", today()},
                   {"target", variant.target.to_string()},
                   {"peak_gflops", bounds.peak_gflops},
                   {"rows", Json::array()}};
    if (!json)
        print(
            "{}; {}; one thread, {:.0f} GFLOP/s; {}\n  {:<14}{:>11}{:>12}{:>10}{:>10}{:>10}"
            "{:>12}\n",
            result["machine"].get<std::string>(), result["date"].get<std::string>(),
            bounds.peak_gflops, result["target"].get<std::string>(), "", "compile s", "us",
            "GFLOP/s", "% of peak", "of bound", "max error");
    for (const auto& [name, kernel] : chosen) {
        const KernelTask task = for_variant(*library, kernel, variant);
        const Json rows = time_kernel(name, task, values, variant.target, bounds);
        if (!json) print_kernel(rows);
        for (const Json& row : rows) result["rows"].push_back(row);
    }
    if (values.has("chart")) write_file_atomically(values.text("chart"), draw_schedules(result));
    if (json) print("{}\n", result.dump());
    return 0;
}

}  // namespace
}  // namespace siamc::compiler

int main(int argc, char** argv) {
    const siamc::cli::Program program = {.name = "bench_schedules",
                                         .summary = "time a model's kernels under every scheduler",
                                         .commands = {{.groups = siamc::compiler::options(),
                                                       .run = siamc::compiler::bench_schedules}},
                                         .reports_places = true};
    return siamc::cli::run_program(program, argc, argv);
}
