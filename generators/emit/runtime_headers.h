// The headers that a generated header includes, held by the compiler so that it can write them
// beside its output, and the table of schedules that is part of it. Their text comes from the build
// (generators/CMakeLists.txt).
#pragma once

#include <string>

namespace siamc {

extern const std::string siamc_abi_header;
extern const std::string siamc_run_header;
extern const std::string halide_runtime_header;
extern const std::string tuned_schedules;  // schedules/tuned.toml

}  // namespace siamc
