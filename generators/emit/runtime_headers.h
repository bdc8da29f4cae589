// The headers that a generated header includes, held by the compiler so that it can write them
// beside its output, and the table of schedules that is part of it. Their text comes from the build
// (generators/CMakeLists.txt).
#pragma once

#include <string>
#include <vector>

namespace siamc::compiler {

struct RuntimeHeader {
    std::string name, text;
};

extern const std::vector<RuntimeHeader> runtime_headers;
extern const std::string tuned_schedules;  // schedules/tuned.toml

}  // namespace siamc::compiler
