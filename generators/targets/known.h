// The tables behind targets.h: a new target, CPU or spelling is a line in known.cpp.
#pragma once

#include <string>
#include <vector>

namespace siamc {

struct KnownTarget {
    std::string name;
    std::vector<std::string> variants;  // as Halide spells them, best first
    std::string needs, tested;          // for people
};

struct KnownCpu {
    std::string name;     // as GCC's and clang's -mcpu or -march
    std::string variant;  // as Halide spells it, without the system
};

const std::vector<KnownTarget>& known_targets();
const std::vector<KnownCpu>& known_cpus();

}  // namespace siamc
