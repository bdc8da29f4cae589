// --help.
#pragma once

#include <string>

#include "cli/table.h"

namespace siamc::cli {

constexpr std::size_t help_width = 80;

// The text of one command: usage, options by group with units, ranges and defaults, examples. No
// line is longer than help_width, unless a single word is.
std::string help_text(const Program& program, const Command& command);

// Of a program with several commands: what there are.
std::string help_text(const Program& program);

// "train_generated --data arg --out arg [options]"
std::string usage_line(const Program& program, const Command& command);

// "-j, --jobs arg (=2)"
std::string flag_column(const Option& option);

// What an option is for, and what may be written for it.
std::string describe(const Option& option);

}  // namespace siamc::cli
