// bench_schedules' rows as a drawing: a line a kernel, a mark a schedule, placed at its time over
// the kernel's bound, on a logarithmic scale.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace siamc::compiler {

// An SVG file. `result`: what bench_schedules prints with --json.
std::string draw_schedules(const nlohmann::ordered_json& result);

}  // namespace siamc::compiler
