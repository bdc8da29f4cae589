// Other programs: where they are, and running them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace siamc {

// Where a shell would find the program of that name, or of that path; empty if there is none.
std::filesystem::path find_program(const std::string& name);

// The same, but the one that lies beside the program that runs goes first.
std::filesystem::path find_program_beside(const std::string& name);

// Runs a program until it ends, and gives its status as waitpid has it. What it prints goes to
// stderr. `without`: a variable of the environment that it does not get. std::system_error if it
// cannot be started.
int run_and_wait(const std::vector<std::string>& command, std::string_view without = "");

// "exit code 1", "signal 9".
std::string describe_status(int status);

}  // namespace siamc
