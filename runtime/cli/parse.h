// From arguments to checked values.
#pragma once

#include <string>
#include <vector>

#include "cli/table.h"
#include "cli/values.h"

namespace siamc::cli {

// What is given on the command line, then what files of flags say on what is still open, then what
// the table says. Everything is checked here, before any work: usage, naming the flag (in a file:
// file and key), the value and what may be written, for unknown and repeated flags, values out of
// range, and whatever would be ignored. With --help or --version only these are looked at.
Values parse(const Program& program, const Command& command,
             const std::vector<std::string>& arguments);

}  // namespace siamc::cli
