// bench_schedules: every kernel of a model under every scheduler, each checked against the plainest
// schedule before it is timed, and held against what the machine can do at best.
//
// The bound of a kernel is the longer of two times: its multiply-adds at the peak of one core, and
// its operands read once at the rate at which that core reads as many bytes again and again. One
// thread: a program's parallelism is between kernels' calls, not within. A kernel whose operands
// are a little larger than a cache may beat its bound, since part of them stays there.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <boost/program_options.hpp>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "compile.h"
#include "contestant.h"
#include "core/error.h"
#include "core/files.h"
#include "emit/kernel_cost.h"
#include "kernel_buffers.h"
#include "machine.h"
#include "schedule_chart.h"
#include "shared_floats.h"
#include "timing.h"

namespace siamc {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

constexpr int rounds = 5;

const std::vector<Scheduler> schedulers = {
    {"naive", "", ScheduleChoice::naive},  // first: the others are compared with its results
    {"Adams2019", "libautoschedule_adams2019.so", ScheduleChoice::automatic},
    {"Mullapudi2016", "libautoschedule_mullapudi2016.so", ScheduleChoice::automatic},
    {"Li2018", "libautoschedule_li2018.so", ScheduleChoice::automatic},
    {"tuned", "", ScheduleChoice::tuned},
};

po::options_description options() {
    po::options_description all("bench_schedules: time a model's kernels under every scheduler");
    all.add_options()("help", "this text")(
        "model", po::value<std::string>()->default_value("models/fc.toml"), "model file")(
        "target", po::value<std::string>()->default_value("host"), "what to compile for")(
        "batch", po::value<int>()->default_value(128), "tuples of a training step")(
        "kernel", po::value<std::string>()->default_value(""),
        "only those with this in their name")("schedule",
                                              po::value<std::string>()->default_value(""),
                                              "only this scheduler beside the naive one")(
        "seconds", po::value<double>()->default_value(0.25), "to time each schedule of a kernel")(
        "time-limit", po::value<unsigned>()->default_value(60), "seconds a schedule may compile")(
        "chart", po::value<std::string>(), "draw the rows into this SVG file")(
        "json", po::bool_switch(), "print one JSON object");
    return all;
}

// Every feature of the target must be one of this machine's: the kernels run here.
bool runs_here(const Halide::Target& target) {
    const Halide::Target host = Halide::get_host_target();
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
         text, Halide::get_host_target().to_string());
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
Json time_kernel(const std::string& symbol, const KernelTask& task, const po::variables_map& values,
                 const Halide::Target& target, Bounds& bounds) {
    KernelBuffers buffers(task);
    const SharedFloats reference(buffers.output_floats());
    const std::vector<Scheduler> chosen = choose_schedulers(values["schedule"].as<std::string>());
    Contest contest = {&task, target, &buffers, reference.data(),
                       values["time-limit"].as<unsigned>()};
    std::vector<std::unique_ptr<Contestant>> contestants;
    for (const Scheduler& scheduler : chosen) {
        contestants.push_back(std::make_unique<Contestant>(contest, scheduler));
        const bool ready = contestants.back()->ready();
        if (scheduler.choice == ScheduleChoice::naive && !ready) contest.reference = nullptr;
    }
    std::vector<std::vector<double>> turns(contestants.size());
    for (int round = 0; round < rounds; ++round)
        for (std::size_t c = 0; c < contestants.size(); ++c)
            turns[c].push_back(contestants[c]->turn(values["seconds"].as<double>() / rounds));
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
    fmt::print("\n{}, bound {} us\n", rows[0]["kernel"].get<std::string>(),
               cell(rows[0]["bound_us"], 1, 2));
    for (const Json& row : rows) {
        const std::string schedule = row["schedule"];
        if (!row["failed"].is_null()) {
            fmt::print("  {:<14} failed: {}\n", schedule, row["failed"].get<std::string>());
            continue;
        }
        fmt::print("  {:<14}{:>11}{:>12}{:>10}{:>10}{:>10}{:>12.1e}\n", schedule,
                   cell(row["compile_s"], 1, 2), cell(row["us"], 1, 2), cell(row["gflops"], 1, 1),
                   cell(row["peak_share"], 100, 1), cell(row["bound_share"], 100, 1),
                   row["max_error"].get<double>());
    }
    std::fflush(stdout);
}

int bench_schedules(const po::variables_map& values) {
    std::signal(SIGPIPE, SIG_IGN);  // a contestant that died is a row, not the end
    const bool json = values["json"].as<bool>();
    if (!(values["seconds"].as<double>() > 0)) fail(Exit::usage, "--seconds: more than 0");
    if (values["time-limit"].as<unsigned>() < 1) fail(Exit::usage, "--time-limit: at least 1");
    CompileOptions compile;
    compile.target = runnable_target(values["target"].as<std::string>());
    compile.batch = values["batch"].as<int>();
    if (compile.batch < 1 || compile.batch > 65536) fail(Exit::usage, "--batch: 1 to 65536");
    const auto library = compile_model(read_model(values["model"].as<std::string>()), compile);
    const auto chosen = choose_kernels(*library, values["kernel"].as<std::string>());
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
        fmt::print(
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
    if (values.count("chart"))
        write_file_atomically(values["chart"].as<std::string>(), draw_schedules(result));
    if (json) fmt::print("{}\n", result.dump());
    return 0;
}

int run(int argc, char** argv) {
    const std::string name = "bench_schedules";
    std::string model;
    try {
        po::variables_map values;
        const po::positional_options_description no_positionals;
        po::store(
            po::command_line_parser(argc, argv).options(options()).positional(no_positionals).run(),
            values);
        po::notify(values);
        if (values.count("help")) return fmt::print("{}\n", fmt::streamed(options())), 0;
        model = values["model"].as<std::string>();
        return bench_schedules(values);
    } catch (const ModelError& error) {
        fmt::print(stderr, "{}\n", error.message(model));
        return static_cast<int>(Exit::bad_data);
    } catch (const Error& error) {
        fmt::print(stderr, "{}: {}\n", name, error.what());
        return static_cast<int>(error.code());
    } catch (const po::error& error) {
        fmt::print(stderr, "{}: {}\n  write: {} --help\n", name, error.what(), name);
        return static_cast<int>(Exit::usage);
    } catch (const std::system_error& error) {
        fmt::print(stderr, "{}: {}\n", name, error.what());
        return static_cast<int>(error.code() == std::errc::no_such_file_or_directory
                                    ? Exit::missing_input
                                    : Exit::internal);
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}: internal error: {}\n", name, error.what());
        return static_cast<int>(Exit::internal);
    }
}

}  // namespace
}  // namespace siamc

int main(int argc, char** argv) {
    return siamc::run(argc, argv);
}
