// siamc's commands and their flags.
#pragma once

#include <functional>

#include "cli/table.h"

namespace siamc::compiler {

// What each does; gives the exit code.
struct Commands {
    std::function<int(const cli::Values&)> new_model, compile, inspect, tune, targets, layers;
};

cli::Program command_table(const Commands& commands);

}  // namespace siamc::compiler
