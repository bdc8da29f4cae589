// The tables behind targets.h: a new target, CPU or spelling is a line in known.cpp.
#pragma once

#include <string>
#include <vector>

namespace siamc::compiler {

struct KnownTarget {
    std::string name;
    std::vector<std::string> variants;  // as Halide spells them, best first
    std::string needs, tested;          // for people
};

struct KnownCpu {
    std::string name;     // as GCC's and clang's -mcpu or -march
    std::string variant;  // as Halide spells it, without the system
};

// A system, and what a program links beside a library for it: the table of cmake/SiamcModel.cmake.
struct KnownSystem {
    std::string name;                    // as Halide spells it
    std::vector<std::string> libraries;  // beyond libc, as after -l
};

// Of what Halide calls features, those that kernels are compiled with.
struct KnownFeatures {
    std::string processor;  // as Halide spells it: "x86-64"; empty: beside any
    std::vector<std::string> names;
};

// Why a feature of Halide's is not taken. The first whose `begins` the feature begins with counts.
struct RefusedFeature {
    std::string begins;
    std::string owner;  // the processor that has it, if any
    std::string why;
};

const std::vector<KnownTarget>& known_targets();
const std::vector<KnownCpu>& known_cpus();
const std::vector<KnownSystem>& known_systems();
const std::vector<KnownFeatures>& known_features();
const std::vector<RefusedFeature>& refused_features();

}  // namespace siamc::compiler
