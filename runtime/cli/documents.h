// What is installed beside a program, from the same table as its parser.
#pragma once

#include <string>

#include "cli/table.h"

namespace siamc::cli {

// The page for `man PROGRAM`, as troff.
std::string man_page(const Program& program);

// A script for bash that completes commands, flags, words, files and folders.
std::string bash_completion(const Program& program);

}  // namespace siamc::cli
