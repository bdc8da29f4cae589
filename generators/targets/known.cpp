#include "targets/known.h"

namespace siamc::compiler {

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

const std::vector<KnownFeatures>& known_features() {
    static const std::vector<KnownFeatures> features = {
        {"x86-64",
         {"sse41",
          "avx",
          "avx2",
          "avxvnni",
          "fma",
          "f16c",
          "avx512",
          "avx512_skylake",
          "avx512_cannonlake",
          "avx512_zen4",
          "avx512_zen5",
          "avx512_sapphirerapids",
          "tune_generic",
          "tune_k8",
          "tune_k8_sse3",
          "tune_amdfam10",
          "tune_btver1",
          "tune_btver2",
          "tune_bdver1",
          "tune_bdver2",
          "tune_bdver3",
          "tune_bdver4",
          "tune_znver1",
          "tune_znver2",
          "tune_znver3",
          "tune_znver4",
          "tune_znver5"}},
        {"arm-64",
         {"arm_dot_prod", "arm_fp16", "armv8a", "armv81a", "armv82a", "armv83a", "armv84a",
          "armv85a", "armv86a", "armv87a", "armv88a", "armv89a", "tune_generic"}},
        {"",
         {"cuda", "cuda_capability_30", "cuda_capability_32", "cuda_capability_35",
          "cuda_capability_50", "cuda_capability_61", "cuda_capability_70", "cuda_capability_75",
          "cuda_capability_80", "cuda_capability_86", "opencl"}},
    };
    return features;
}

const std::vector<RefusedFeature>& refused_features() {
    static const char* const untried = "no schedule has been tried with it";
    static const char* const unmade = "of GPUs there are schedules for cuda or opencl";
    static const char* const unread =
        "it prints or measures from within kernels, which is not "
        "what a library does";
    static const char* const watched =
        "kernels are compiled without sanitizers; a program that "
        "uses them may have its own";
    static const char* const called =
        "it changes how kernels are called, but not the header that "
        "calls them";
    static const char* const decided = "siamc decides it by itself, for each part of a library";
    static const std::vector<RefusedFeature> features = {
        {"no_neon", "arm-64", "the schedules for ARM are for NEON, which every 64-bit ARM has"},
        {"sve", "arm-64", "the schedules for ARM are for NEON; none has been tried with SVE"},
        {"arm", "arm-64", "it is a 32-bit processor's"},
        {"fma4", "x86-64", untried},
        {"avx", "x86-64", untried},
        {"x86apx", "x86-64", untried},
        {"tune_", "x86-64", untried},
        {"vsx", "powerpc", ""},
        {"power_arch", "powerpc", ""},
        {"rvv", "riscv", ""},
        {"wasm_", "wasm", ""},
        {"hvx", "hexagon", ""},
        {"hexagon", "hexagon", ""},
        {"metal", "", unmade},
        {"d3d12compute", "", unmade},
        {"vulkan", "", unmade},
        {"webgpu", "", unmade},
        {"vk_", "", unmade},
        {"spirv", "", unmade},
        {"cl_", "", "the kernels for opencl use no extension"},
        {"asan", "", watched},
        {"msan", "", watched},
        {"tsan", "", watched},
        {"sanitizer", "", watched},
        {"profile", "", unread},
        {"trace_", "", unread},
        {"debug", "", unread},
        {"enable_backtraces", "", unread},
        {"user_context", "", called},
        {"c_plus_plus", "", called},
        {"soft_float_abi", "", called},
        {"vector_bits_", "", "vectors are as wide as those of the instruction set"},
        {"", "", decided},
    };
    return features;
}

}  // namespace siamc::compiler
