#include "tune/tuner.h"

#include <algorithm>
#include <memory>

#include "machine/machine.h"
#include "machine/timing.h"
#include "targets/targets.h"
#include "tune/candidates.h"
#include "tune/contestant.h"
#include "tune/kernel_buffers.h"
#include "tune/shared_floats.h"

namespace siamc::compiler {

namespace {

constexpr double least_gain = 0.01;
constexpr double first_turn = 0.05, later_turn = 0.1;  // seconds
constexpr size_t finalists = 3;
constexpr int least_rounds = 5;
constexpr unsigned time_limit = 60;  // seconds, of one compilation

struct Entrant {
    ScheduleParameters parameters;
    std::unique_ptr<Contestant> contestant;
    std::vector<double> turns;
};

// By the first turn, the rule's tile always among them.
void keep_finalists(std::vector<Entrant>& entrants) {
    std::sort(entrants.begin() + 1, entrants.end(),
              [](const Entrant& a, const Entrant& b) { return a.turns[0] < b.turns[0]; });
    if (entrants.size() > 1 + finalists) entrants.resize(1 + finalists);
    for (Entrant& entrant : entrants) entrant.turns.clear();
}

}  // namespace

TunedSchedule tune(const std::string& kernel, const KernelTask& task, const Halide::Target& target,
                   double seconds, const std::function<void(const Trial&)>& observe) {
    const auto start = Clock::now();
    KernelBuffers buffers(task);
    const SharedFloats reference(buffers.output_floats());
    const Contest contest = {&task, target, &buffers, reference.data(), time_limit};
    Contestant naive(contest, {"naive", "", ScheduleChoice::naive, {}});
    if (!naive.ready()) throw std::runtime_error(kernel + ": naive schedule: " + naive.failed());
    std::vector<Entrant> entrants;
    int tried = 0;
    for (const ScheduleParameters& parameters : candidates(task, target)) {
        if (tried > 1 && seconds_since(start) > seconds / 2) break;  // the rule's, and another
        ++tried;
        const Scheduler scheduler = {"tuned", "", ScheduleChoice::tuned, parameters};
        Entrant entrant = {parameters, std::make_unique<Contestant>(contest, scheduler), {}};
        if (entrant.contestant->ready())
            entrant.turns.push_back(entrant.contestant->turn(first_turn));
        const std::string& failed = entrant.contestant->failed();
        observe({parameters, failed.empty() ? entrant.turns[0] * 1e6 : 0, failed});
        if (failed.empty()) entrants.push_back(std::move(entrant));
        if (entrants.empty()) throw std::runtime_error(kernel + ": the rule's tile: " + failed);
    }
    keep_finalists(entrants);
    for (int round = 0; round < least_rounds || seconds_since(start) < seconds; ++round)
        for (Entrant& entrant : entrants)
            entrant.turns.push_back(entrant.contestant->turn(later_turn));
    const double rule = median(entrants[0].turns);
    TunedSchedule best = {kernel, target_family(target), {},     rule * 1e6, rule * 1e6,
                          tried,  describe_machine(),    today()};
    for (const Entrant& entrant : entrants) {
        const double us = median(entrant.turns) * 1e6;
        if (us < best.us && us <= (1 - least_gain) * best.rule_us) {
            best.us = us;
            best.parameters = entrant.parameters;
        }
    }
    return best;
}

}  // namespace siamc::compiler
