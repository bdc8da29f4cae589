// The programs of a model and what their kernels must give, made once for all targets.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/evaluate.h"
#include "support/kernel_library.h"
#include "support/programs.h"

namespace siamc::compiler::test {

// ---- model files --------------------------------------------------------------------------------

std::string layer(const std::string& type, const std::string& more = "");
std::string dense(int units, const std::string& more = "");
std::string conv(int filters, int kernel, const std::string& more = "");

// With both losses on tuples. 5 x 7 images: no width of a vector divides 35, 7, 9, 17, 127 or 1,
// nor do groups of zeros.
std::string model(const std::string& layers, const std::string& distance,
                  const std::string& shape = "5, 7");

// ---- their kernels ------------------------------------------------------------------------------

class CheckedModel {
  public:
    CheckedModel(const std::string& text, int most, Processor processor = Processor::cpu,
                 bool half_weights = false);
    // Only the programs of these names.
    CheckedModel(const std::string& text, int most, const std::vector<std::string>& names);

    // Whether a kernel has this in its name.
    bool has_kernel(const std::string& part) const;

    // Every kernel between guard pages, against double precision.
    void check(ScheduleChoice choice, const KernelTargets& targets,
               const ScheduleParameters& tile = {}) const;

  private:
    explicit CheckedModel(std::vector<PlannedProgram> programs);

    std::vector<PlannedProgram> programs_;
    std::vector<std::map<int, ProgramValues>> values_;  // by program, by tuples
};

// By every schedule there is, on everything that is here.
void check_model(const std::string& text, int most);

}  // namespace siamc::compiler::test
