#include "schedules/checked_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "catch.h"
#include "frontend/model_spec.h"
#include "support/program_runner.h"
#include "support/random_values.h"

namespace siamc::compiler::test {

std::string layer(const std::string& type, const std::string& more) {
    return fmt::format("[[layer]]\ntype = \"{}\"\n{}", type, more);
}

std::string dense(int units, const std::string& more) {
    return layer("dense", fmt::format("units = {}\n{}", units, more));
}

std::string conv(int filters, int kernel, const std::string& more) {
    return layer("conv2d", fmt::format("filters = {}\nkernel = {}\n{}", filters, kernel, more));
}

std::string model(const std::string& layers, const std::string& distance,
                  const std::string& shape) {
    return "name = \"m\"\n[input]\nshape = [" + shape + "]\nscale = 0.00390625\n" + layers +
           "[distance]\ntype = \"" + distance +
           "\"\n[loss.contrastive]\nmargin = 0.9\n[loss.triplet]\nmargin = 0.7\n";
}

namespace {

ProgramValues values_of(const Program& program, int tuples) {
    const RowCounts rows{tuples, program.graph.branches, 11, program.tuple_quantum};
    return {program, RandomValues(7).sources(program.graph, rows), rows};
}

}  // namespace

CheckedModel::CheckedModel(const std::string& text, int most, Processor processor,
                           bool half_weights)
    : CheckedModel(programs_of(parse_model(text), most, processor, half_weights)) {}

CheckedModel::CheckedModel(const std::string& text, int most, const std::vector<std::string>& names)
    : CheckedModel([&] {
          std::vector<PlannedProgram> kept;
          for (PlannedProgram& planned : programs_of(parse_model(text), most))
              if (std::count(names.begin(), names.end(), planned.name))
                  kept.push_back(std::move(planned));
          return kept;
      }()) {}

CheckedModel::CheckedModel(std::vector<PlannedProgram> programs) : programs_(std::move(programs)) {
    for (const PlannedProgram& planned : programs_) {
        values_.emplace_back();
        for (const int tuples : {planned.program.tuple_quantum, planned.program.batch})
            if (!values_.back().count(tuples))
                values_.back().emplace(tuples, values_of(planned.program, tuples));
    }
}

bool CheckedModel::has_kernel(const std::string& part) const {
    return std::any_of(programs_.begin(), programs_.end(), [&](const PlannedProgram& planned) {
        const auto& kernels = planned.program.kernels;
        return std::any_of(kernels.begin(), kernels.end(), [&](const Kernel& kernel) {
            return kernel.name.find(part) != std::string::npos;
        });
    });
}

void CheckedModel::check(ScheduleChoice choice, const KernelTargets& targets,
                         const ScheduleParameters& tile) const {
    INFO("schedules for " << targets.schedule.to_string());
    std::vector<KernelTask> tasks;
    for (const PlannedProgram& planned : programs_)
        for (KernelTask& task : tasks_of(planned.program, choice)) {
            task.tile.parameters = tile;
            tasks.push_back(std::move(task));
        }
    const KernelLibrary library(tasks, targets);
    long compared = 0;
    std::vector<std::string> faults;
    std::size_t first = 0;
    for (std::size_t p = 0; p < programs_.size(); ++p) {
        const Program& program = programs_[p].program;
        for (const auto& [tuples, values] : values_[p]) {
            const Findings findings = check_kernels(program, values, library, first);
            compared += findings.compared;
            for (const std::string& fault : findings.faults)
                faults.push_back(
                    fmt::format("{} with {} tuples: {}", programs_[p].name, tuples, fault));
        }
        first += program.calls.size();
    }
    CHECK(compared > 1000);
    CHECK(fmt::format("{}", fmt::join(faults, "\n")) == "");
}

void check_model(const std::string& text, int most) {
    const CheckedModel checked(text, most);
    checked.check(ScheduleChoice::naive, host_targets());
    checked.check(ScheduleChoice::tuned, host_targets());
    for (const KernelTargets& targets : tested_targets())
        checked.check(ScheduleChoice::tuned, targets);
    if (missing_here(opencl_target()).empty())
        CheckedModel(text, most, Processor::gpu)
            .check(ScheduleChoice::tuned, {opencl_target(), opencl_target()});
}

}  // namespace siamc::compiler::test
