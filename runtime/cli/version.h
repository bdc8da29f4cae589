// What --version says.
#pragma once

#include <string>

#include "cli/table.h"

namespace siamc::cli {

std::string project_version();  // "0.1"

// "siamc 0.1 (commit 0123456789ab)" and the program's own lines.
std::string version_text(const Program& program);

}  // namespace siamc::cli
