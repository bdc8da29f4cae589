// eval_NAME: what a trained model can do, by a named protocol.
#include "apps/command_line.h"
#include "apps/eval_protocols.h"
#include "apps/linked_models.h"
#include "apps/programs.h"
#include "cli/output.h"
#include "cli/run_program.h"

namespace siamc {
namespace {

cli::Option oneshot_number(const char* name, cli::Whole range, const char* unit,
                           const char* initial, const char* help) {
    return {.name = name,
            .kind = range,
            .unit = unit,
            .initial = initial,
            .needs = {{"protocol", {"oneshot", "open_set"}}},
            .help = help};
}

cli::Group subject() {
    cli::Option resize = resize_option();
    resize.fallback = "as the run";
    cli::Group group{"What to evaluate", run_options()};
    group.options.insert(group.options.end(),
                         {data_option(),
                          {.name = "part",
                           .kind = cli::Word{{"test", "validation", "all"}},
                           .fallback = "test; to calibrate, validation",
                           .help = "of the data: its test images, what the run held out of its "
                                   "training images, or all that there are"},
                          transpose_option(),
                          resize,
                          classes_option("evaluate on these alone, as in 6-9")});
    return group;
}

std::vector<cli::Group> options() {
    const cli::Group protocol = {
        "How to evaluate",
        {{.name = "protocol",
          .kind = cli::Word{protocol_names()},
          .initial = "pairs",
          .help = "calibrate fits the run's threshold anew and keeps it; omniglot: --data is "
                  "all_runs.zip, the published task"},
         {.name = "threshold",
          .kind = cli::Real{0, 1e30},
          .fallback = "the run's calibrated one, or 0.5",
          .needs = {{"protocol", {"pairs"}}},
          .help = "similar where the distance is below it"},
         {.name = "operating-point",
          .fallback = "as the run, or eer",
          .needs = {{"protocol", {"calibrate"}}},
          .help = "what the threshold is for: eer, or far:0.01 for 1 % of false accepts"},
         oneshot_number("ways", {0, 100'000}, "classes", "0",
                        "an episode; 0: all there are, of open_set half of them, the others being "
                        "strangers"),
         oneshot_number("shots", {1, 10'000}, "images", "1", "shown of each class"),
         {.name = "queries",
          .kind = cli::Whole{1, 10'000},
          .unit = "images",
          .initial = "5",
          .needs = {{"protocol", {"oneshot"}}},
          .help = "asked about, of each class"},
         {.name = "episodes",
          .kind = cli::Whole{1, 10'000'000},
          .unit = "episodes",
          .fallback = "1000; open_set: 20",
          .needs = {{"protocol", {"oneshot", "open_set"}}},
          .help = "to average over"},
         {.name = "false-alarms",
          .kind = cli::Real{.least = 0, .most = 1, .above = true, .below = true},
          .initial = "0.01",
          .needs = {{"protocol", {"open_set"}}},
          .help = "share of strangers that may be taken for someone"}}};
    return {subject(),
            protocol,
            {"The program", {threads_option(), config_option(), json_option(), verbose_option()}}};
}

int evaluate(const cli::Values& values) {
    TrainedRun run = open_trained(values);
    const nlohmann::ordered_json result = run_protocol(run, values);
    if (values.flag("json"))
        print_json(result);
    else
        print_result(result);
    return 0;
}

cli::Program eval_program() {
    const std::string name = linked.program;
    return {.name = name,
            .summary = "evaluate a trained run",
            .commands = {{.groups = options(),
                          .examples = {{name + " --run runs/fc --data DIR"},
                                       {name + " --run runs/seen --data DIR --protocol "
                                               "oneshot --classes 6-9 --ways 4",
                                        "tell classes apart that were not trained on"},
                                       {name + " --run runs/omniglot --data all_runs.zip "
                                               "--protocol omniglot",
                                        "Omniglot's published one-shot task"}},
                          .run = evaluate}},
            .flag_files = config_files,
            .versions = linked_versions};
}

}  // namespace

int eval_main(int argc, char** argv) {
    return cli::run_program(eval_program(), argc, argv);
}

}  // namespace siamc
