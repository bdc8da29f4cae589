// What a library can be compiled for, and the spellings of it.
#pragma once

#include <Halide.h>

#include <string>
#include <vector>

namespace siamc::compiler {

// Kernels for one instruction set; its name ends their symbols: "avx512", "avx2", "sse41", "neon".
struct Variant {
    std::string name;
    Halide::Target target;
};

// Where a library is to run. A GPU's has one variant, whose functions run on the host and launch.
// With several variants the first that the processor can is taken when
// the library is first used; the last is what the rest of it (Halide's runtime) is compiled for.
struct LibraryTarget {
    std::string name;  // "x86-64-linux": as siamc targets lists it, or Halide's full spelling
    std::vector<Variant> variants;  // all of one architecture and system
};

// Of targets whose registers are alike, and the name of variants for them: "avx512", "avx2", "avx",
// "sse41", "neon", "cuda", "opencl".
std::string target_family(const Halide::Target& target);

// What of the system a program links beside a library for that target, as after -l.
std::vector<std::string> linked_libraries(const Halide::Target& target);

// This machine, without what kernels are not compiled with.
Halide::Target host_target();

// What a library's kernels are compiled with. They trust their callers: the plan fixes every
// extent, and the runtime is linked once. Those of a GPU keep their checks, for what a device may
// refuse.
Halide::Target kernel_target(const Halide::Target& target);

// "cuda" or "opencl"; empty for a target without a GPU.
std::string device_of(const LibraryTarget& target);
inline bool on_device(const LibraryTarget& target) {
    return !device_of(target).empty();
}

// One variant, as Halide names the target.
LibraryTarget single_target(const Halide::Target& target);

// `text`: a name of `siamc targets`, "host", Halide's or clang's triple, a CPU's name, or a list of
// features ("avx2,fma"). Throws Error(usage) with the nearest names where it is none of them, and
// with the reason where no processor has all that it asks for, or Halide would but siamc does not
// make such a library. An architecture alone means Linux on it.
LibraryTarget resolve_target(const std::string& text);

// What is compiled for unless --target says otherwise: the library for any processor of this
// machine's architecture and system, or "host" where there is none.
std::string default_target();

// What `siamc targets` prints: the names, what each needs, how far it is tested, and the spellings.
std::string list_targets();

}  // namespace siamc::compiler
