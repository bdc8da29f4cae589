// The parts of an inspection page. All return HTML.
#pragma once

#include <string>
#include <vector>

#include "inspect/inspect.h"

namespace siamc::compiler {

// The drawing of a program's graph, and the same as a table.
std::string graph_figure(const NamedProgram& named);

// What each step changed of one entry point's graph; `records` are its own.
std::string passes_table(const NamedProgram& named, const std::vector<StepRecord>& records);

// The arena over the program's calls: as a whole, one slice enlarged, and as a table.
std::string memory_figure(const NamedProgram& named);

// All kernels: cost, bound, tiles of all variants, and loop nests of the first.
std::string kernel_table(const Library& library, const Machine& machine);

// The place of a kernel in kernel_table.
std::string kernel_anchor(const std::string& kernel);

// "prologue", "slices" or "batch".
const char* stage_name(Stage stage);

// "1,536 B", "12.5 KiB", "3.25 MiB"
std::string byte_text(double bytes);

// The style sheet of these parts; see style.cpp.
extern const char* const inspect_style;

}  // namespace siamc::compiler
