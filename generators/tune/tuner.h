// Finds a kernel's fastest register tile on this machine.
#pragma once

#include <functional>

#include "emit/kernel_generator.h"

namespace siamc::compiler {

// What a candidate did: its median microseconds a call, or why it failed.
struct Trial {
    ScheduleParameters parameters;
    double us = 0;
    std::string failed;
};

// Tries the kernel's tiles for about `seconds`: each once, as far as half the time goes; then the
// best three and the rule's in turns. A tile that is not 1 % faster than the rule's loses to it.
// `observe` sees each first trial.
TunedSchedule tune(const std::string& kernel, const KernelTask& task, const Halide::Target& target,
                   double seconds, const std::function<void(const Trial&)>& observe);

}  // namespace siamc::compiler
