// Work in processes of its own: several at a time, each from the same state of this one.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace siamc::compiler {

// Halide numbers its names as it goes, so in one process the code would depend on the order of
// compilation; and where it or LLVM give up, they end the process.
struct Job {
    std::string name;                             // for messages
    std::function<void(const std::string&)> run;  // writes its result into the file of that path
};

// Runs all of them, `at_once` at a time, and gives what each wrote; it is kept in memory, where no
// disk is too small.
//
// Error internal, with the job's name and what it says, if one fails; hung_up, interrupted or
// terminated if such a signal comes. No process is left then. Processes of others are left alone.
std::vector<std::string> run_jobs(const std::vector<Job>& jobs, int at_once);

}  // namespace siamc::compiler
