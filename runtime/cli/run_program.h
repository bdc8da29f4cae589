// A program's main, given its table.
#pragma once

#include "cli/table.h"

namespace siamc::cli {

// Parses, answers --help and --version on stdout, runs the command, and sees that what was printed
// arrived. Whatever is thrown ends as words on stderr and an exit code (docs/architecture.md); no
// stream that is closed, full or gone makes the program abort or changes a code but 0.
//
// `--generate man` or `--generate bash`, given alone, prints what is installed beside the program.
int run_program(const Program& program, int argc, char** argv) noexcept;

}  // namespace siamc::cli
