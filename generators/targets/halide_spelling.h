// Halide's own spelling of targets: ARCHITECTURE-BITS-SYSTEM[-FEATURE...].
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "targets/targets.h"

namespace siamc::compiler {

// "a-b" at '-' is "a" and "b"; "" is one empty part.
std::vector<std::string> split(const std::string& text, char at);

// The target with what its features cannot be without.
Halide::Target with_implied(Halide::Target target);

// Whether kernels for x86-64 are compiled with that feature.
bool is_x86_feature(const std::string& name);

// Nothing if `text` is spelled otherwise. Throws Error(usage) with the reason, and the target to
// write, where it has a feature that is no instruction set, or another processor's.
std::optional<LibraryTarget> as_halide_triple(const std::string& text);

}  // namespace siamc::compiler
