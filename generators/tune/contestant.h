// A schedule of a kernel in a process of its own, so that a compiler which crashes, hangs or exits
// takes nothing else with it, and so that schedules can take turns.
#pragma once

#include <sys/types.h>

#include <string>

#include "emit/kernel_generator.h"

namespace siamc::compiler {

class KernelBuffers;

// How a kernel is scheduled: by us, not at all, or by one of Halide's autoschedulers.
struct Scheduler {
    std::string name;    // "tuned", "naive", "Adams2019"
    std::string plugin;  // of an autoscheduler: its library, beside Halide's
    ScheduleChoice choice;
    ScheduleParameters parameters = {};  // of "tuned"
};

struct Contest {
    const KernelTask* task;
    Halide::Target target;
    KernelBuffers* buffers;
    // Shared memory for buffers->output_floats(): the naive schedule's results. nullptr: it failed.
    float* reference;
    unsigned time_limit;  // seconds, for compiling and for each turn
};

// To be called before the first contestant starts: Halide compiles its own runtime with the first
// code that is run from memory, which would count as that code's compile time.
void prepare_compiler(const Halide::Target& target);

class Contestant {
  public:
    // Starts the process: it compiles, calls the kernel once and compares the result with the
    // reference (`naive` writes it), then waits.
    Contestant(const Contest& contest, const Scheduler& scheduler);
    ~Contestant();
    Contestant(const Contestant&) = delete;
    Contestant& operator=(const Contestant&) = delete;

    // Waits until it is ready to take turns; false if it failed.
    bool ready();
    // One turn of that many seconds: seconds per call, or 0 if it failed.
    double turn(double seconds);

    double compile_seconds() const { return compile_seconds_; }
    double error() const { return error_; }
    const std::string& failed() const { return failed_; }  // why; empty: it did not

  private:
    bool receive(void* answer, std::size_t bytes);

    pid_t process_ = -1;
    int to_ = -1, from_ = -1;  // pipes
    unsigned time_limit_;
    double compile_seconds_ = 0, error_ = 0;
    std::string failed_;
};

}  // namespace siamc::compiler
