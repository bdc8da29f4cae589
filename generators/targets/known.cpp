#include "targets/known.h"

namespace siamc {

namespace {

// Features in Halide's order. AVX-512: what every server processor with it has, from Skylake on.
constexpr const char* sse41 = "sse41";
constexpr const char* avx = "avx-sse41";
constexpr const char* avx2 = "avx-avx2-f16c-fma-sse41";
constexpr const char* avx512 = "avx-avx2-avx512-avx512_skylake-f16c-fma-sse41";
// What the host does for a GPU is not worth an instruction set of its own. PTX for capability 7.0
// is translated by the driver for whatever is newer.
constexpr const char* cuda = "cuda-cuda_capability_70-sse41";
constexpr const char* opencl = "opencl-sse41";
constexpr const char* zen4 =
    "tune_znver4-avx-avx2-avx512-avx512_cannonlake-avx512_skylake-avx512_zen4-f16c-fma-sse41";

std::string x86(const std::string& features) {
    return "x86-64-" + features;
}

std::vector<std::string> fat(const std::string& system) {
    std::vector<std::string> variants;
    for (const char* features : {avx512, avx2, sse41})
        variants.push_back(x86(system + "-" + features));
    return variants;
}

}  // namespace

const std::vector<KnownTarget>& known_targets() {
    static const char* const object_only = "objects checked for format and symbols; never run";
    static const std::vector<KnownTarget> targets = {
        {"x86-64-linux", fat("linux"),
         "any x86-64 with SSE4.1 (Intel 2008, AMD 2011); takes AVX-512 or AVX2 where they are",
         "every test runs it, each variant forced"},
        {"x86-64-linux-sse41", {x86(std::string("linux-") + sse41)}, "SSE4.1", "run"},
        {"x86-64-linux-avx2", {x86(std::string("linux-") + avx2)}, "AVX2, FMA, F16C", "run"},
        {"x86-64-linux-avx512",
         {x86(std::string("linux-") + avx512)},
         "AVX-512 F, CD, VL, BW, DQ",
         "run where the processor has it"},
        {"x86-64-linux-cuda",
         {x86(std::string("linux-") + cuda)},
         "an NVIDIA GPU of capability 7.0 or newer and its driver",
         "its code passes ptxas for sm_75, 80, 90, 100; never run"},
        {"x86-64-linux-opencl",
         {x86(std::string("linux-") + opencl)},
         "a device with an OpenCL 1.2 driver",
         "every kernel and training are run, on a processor (PoCL)"},
        {"arm-64-linux",
         {"arm-64-linux"},
         "64-bit ARM with NEON",
         "every kernel and the library's tests are run, under qemu-aarch64"},
        {"x86-64-windows", fat("windows"), "Windows, POSIX threads", object_only},
        {"x86-64-osx", fat("osx"), "macOS on Intel", object_only},
        {"arm-64-osx", {"arm-64-osx"}, "macOS on Apple silicon", object_only},
        {"arm-64-android", {"arm-64-android"}, "Android, 64-bit ARM", object_only},
    };
    return targets;
}

const std::vector<KnownCpu>& known_cpus() {
    static const std::vector<KnownCpu> cpus = {
        {"x86-64-v2", x86(sse41)},       {"x86-64-v3", x86(avx2)},
        {"x86-64-v4", x86(avx512)},      {"penryn", x86(sse41)},
        {"nehalem", x86(sse41)},         {"westmere", x86(sse41)},
        {"sandybridge", x86(avx)},       {"haswell", x86(avx2)},
        {"broadwell", x86(avx2)},        {"skylake", x86(avx2)},
        {"alderlake", x86(avx2)},        {"znver1", x86(avx2)},
        {"znver2", x86(avx2)},           {"znver3", x86(avx2)},
        {"skylake-avx512", x86(avx512)}, {"cascadelake", x86(avx512)},
        {"icelake-server", x86(avx512)}, {"sapphirerapids", x86(avx512)},
        {"znver4", x86(zen4)},           {"znver5", x86(zen4)},
        {"cortex-a53", "arm-64"},        {"cortex-a72", "arm-64"},
        {"cortex-a76", "arm-64"},        {"neoverse-n1", "arm-64"},
        {"neoverse-v1", "arm-64"},       {"apple-m1", "arm-64"},
    };
    return cpus;
}

}  // namespace siamc
