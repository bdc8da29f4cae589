// The spellings of targets, and what libraries for them hold.
#include "catch.h"
#include "core/error.h"
#include "targets/known.h"
#include "targets/targets.h"

namespace siamc::compiler::test {

namespace {

std::vector<std::string> names_of(const LibraryTarget& target) {
    std::vector<std::string> names;
    for (const Variant& variant : target.variants) names.push_back(variant.name);
    return names;
}

using Names = std::vector<std::string>;

// "" if it is a target.
std::string refusal_of(const std::string& text) {
    try {
        resolve_target(text);
        return "";
    } catch (const Error& error) {
        CHECK(error.code() == Exit::usage);
        return error.what();
    }
}

const std::string avx2 = "x86-64-linux-avx-avx2-f16c-fma-sse41";
const std::string avx512 = "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41";

}  // namespace

TEST_CASE("x86 without features holds three variants, best first", "[targets]") {
    for (const char* spelling : {"x86-64-linux", "x86_64-unknown-linux-gnu", "x86_64-linux-gnu",
                                 "x86_64-pc-linux-musl", "amd64-linux", "X86-64-LINUX"}) {
        INFO(spelling);
        const LibraryTarget target = resolve_target(spelling);
        CHECK(target.name == "x86-64-linux");
        CHECK(names_of(target) == Names{"avx512", "avx2", "sse41"});
        CHECK(target.variants[0].target == Halide::Target(avx512));
        CHECK(target.variants[1].target == Halide::Target(avx2));
        CHECK(target.variants[2].target == Halide::Target("x86-64-linux-sse41"));
    }
}

TEST_CASE("triples of other systems", "[targets]") {
    const std::vector<std::pair<std::string, std::string>> same = {
        {"aarch64-linux-gnu", "arm-64-linux"},    {"aarch64-unknown-linux-gnu", "arm-64-linux"},
        {"arm64-linux", "arm-64-linux"},          {"aarch64-linux-android21", "arm-64-android"},
        {"arm64-apple-macosx11.0", "arm-64-osx"}, {"aarch64-apple-darwin", "arm-64-osx"},
        {"x86_64-apple-darwin20", "x86-64-osx"},  {"x86_64-pc-windows-msvc", "x86-64-windows"},
        {"x86_64-w64-mingw32", "x86-64-windows"}, {"x86_64-pc-win32", "x86-64-windows"},
    };
    for (const auto& [spelling, name] : same) {
        INFO(spelling);
        CHECK(resolve_target(spelling).name == name);
    }
    CHECK(names_of(resolve_target("aarch64-linux-gnu")) == Names{"neon"});
}

TEST_CASE("CPUs, features and Halide's own spelling hold one variant", "[targets]") {
    const std::vector<std::pair<std::string, std::string>> same = {
        {"haswell", avx2},
        {"znver3", avx2},
        {"x86-64-v3", avx2},
        {"avx2", avx2},
        {"avx2,fma", avx2},
        {"+fma,+avx2,+f16c", avx2},
        {"x86-64-linux-avx2", avx2},
        {"x86-64-linux-sse41-avx-avx2-fma-f16c", avx2},
        {"skylake-avx512", avx512},
        {"avx512_skylake", avx512},
        {"x86-64-v2", "x86-64-linux-sse41"},
        {"sse41", "x86-64-linux-sse41"},
        {"cortex-a72", "arm-64-linux"},
    };
    for (const auto& [spelling, target] : same) {
        INFO(spelling);
        const LibraryTarget found = resolve_target(spelling);
        REQUIRE(found.variants.size() == 1);
        CHECK(found.variants[0].target == Halide::Target(target));
    }
    CHECK(resolve_target("znver4").variants[0].target.has_feature(Halide::Target::AVX512_Zen4));
    CHECK(names_of(resolve_target("sandybridge")) == Names{"avx"});
    CHECK(resolve_target("host").variants[0].target == host_target());
    CHECK(host_target().has_feature(Halide::Target::AVX2) ==
          Halide::get_host_target().has_feature(Halide::Target::AVX2));
    CHECK(resolve_target("host-sse41").variants[0].target == host_target());
    CHECK(resolve_target("x86-64-linux-avx2-fma-f16c-fma").variants[0].target ==
          Halide::Target(avx2));
}

TEST_CASE("what is no target is told the nearest", "[targets]") {
    CHECK(refusal_of("x86-64-linxu").find("write: x86-64-linux;") != std::string::npos);
    CHECK(refusal_of("hasswell").find("write: haswell;") != std::string::npos);
    // What is not known is not taken for something near it.
    for (const char* other :
         {"aarch64_be-linux-gnu", "x86_64-linux-gnux32", "aarch64-linux-gnu_ilp32",
          "x86_64-linux-gnu-avx2", "x86_64-linuxfoo", "x86_64-unknown-unknown"})
        CHECK(refusal_of(other).find("is no target") != std::string::npos);
    CHECK(refusal_of("cortex-a71").find("cortex-a7") != std::string::npos);
    CHECK(refusal_of("").find("is no target") != std::string::npos);
    CHECK(refusal_of("avx2,wings").find("is no target") != std::string::npos);
    CHECK(refusal_of("quantum-computer").find("host, or as in") != std::string::npos);
    CHECK(refusal_of("x86-64-linux-\x1b[31m").find('\x1b') == std::string::npos);
}

TEST_CASE("what no processor can be is refused with the reason", "[targets]") {
    CHECK(refusal_of("arm-64-linux-avx2").find("no ARM processor has avx2") != std::string::npos);
    CHECK(refusal_of("x86-32-linux-sse41").find("64-bit") != std::string::npos);
    CHECK(refusal_of("riscv-64-linux").find("x86 and ARM") != std::string::npos);
    CHECK(refusal_of("x86-64-linux-avx2-cuda").find("cuda_capability_70") != std::string::npos);
    CHECK(refusal_of("x86-64-linux-cuda-cuda_capability_61").find("70") != std::string::npos);
    CHECK(refusal_of("x86-64-linux-metal").find("cuda or opencl") != std::string::npos);
    CHECK(refusal_of("x86-64-linux-opencl-cuda-cuda_capability_70").find("one in a library") !=
          std::string::npos);
    CHECK(refusal_of("arm-64-linux-opencl").find("x86-64") != std::string::npos);
}

TEST_CASE("an architecture alone means Linux", "[targets]") {
    for (const char* arm : {"arm64", "aarch64", "arm-64", "ARM64"})
        CHECK(resolve_target(arm).name == "arm-64-linux");
    for (const char* x86 : {"x86_64", "amd64", "x86-64"})
        CHECK(resolve_target(x86).name == "x86-64-linux");
}

namespace {

// What Halide can be given after a processor and a system.
std::vector<std::string> halide_features() {
    std::vector<std::string> names = {"vector_bits_128", "tune_znver4", "tune_generic"};
    for (int f = 0; f < Halide::Target::FeatureEnd; ++f)
        names.push_back(Halide::Target::feature_to_name(static_cast<Halide::Target::Feature>(f)));
    return names;
}

bool is_target(const std::string& text) {
    return refusal_of(text).empty();
}

}  // namespace

TEST_CASE("each feature of Halide's is taken or refused with a reason and a cure", "[targets]") {
    int taken = 0, refused = 0;
    for (const char* base : {"x86-64-linux", "arm-64-linux", "host", "x86-64-windows"}) {
        for (const std::string& feature : halide_features()) {
            const std::string text = std::string(base) + "-" + feature;
            INFO(text);
            const std::string refusal = refusal_of(text);
            ++(refusal.empty() ? taken : refused);
            if (refusal.empty()) continue;
            CHECK(refusal.find("\n  why: ") != std::string::npos);
            const std::string cure = refusal.substr(refusal.find("\n  write: ") + 10);
            CHECK((cure == "one of siamc targets" || is_target(cure)));
        }
    }
    CHECK(taken > 50);
    CHECK(refused > 250);
}

TEST_CASE("what is no instruction set, or another processor's, is refused", "[targets]") {
    const std::vector<std::pair<std::string, std::string>> refusals = {
        {"x86-64-linux-sve", "why: no x86-64 processor has sve\n  write: x86-64-linux"},
        {"x86-64-linux-avx2-arm_fp16-fma", "write: x86-64-linux-avx2-fma"},
        {"arm-64-linux-sve2", "NEON"},
        {"arm-64-osx-vsx", "no ARM processor has vsx"},
        {"x86-64-linux-rvv", "no x86-64 processor has rvv"},
        {"x86-64-linux-wasm_simd128", "no x86-64 processor has wasm_simd128"},
        {"x86-64-linux-user_context", "how kernels are called"},
        {"x86-64-linux-c_plus_plus_name_mangling", "how kernels are called"},
        {"x86-64-linux-asan", "sanitizers"},
        {"x86-64-linux-profile", "prints or measures"},
        {"x86-64-linux-no_runtime", "siamc decides"},
        {"x86-64-linux-strict_float", "siamc decides"},
        {"arm-64-linux-vector_bits_256", "as wide as"},
        {"host-vulkan", "cuda or opencl"},
        {"x86-64-linux-cuda_capability_80", "without cuda"},
        {"arm-64-windows", "for x86-64 alone"},
        {"x86-64-noos", "noos has not what a library calls"},
    };
    for (const auto& [text, part] : refusals) {
        INFO(text << ": " << refusal_of(text));
        CHECK(refusal_of(text).find(part) != std::string::npos);
    }
}

TEST_CASE("what a program links beside a library is said for each target", "[targets]") {
    CHECK(linked_libraries(Halide::Target("x86-64-linux")) == Names{"pthread", "dl", "m"});
    CHECK(linked_libraries(Halide::Target("arm-64-android")) == Names{"dl", "m", "log"});
    CHECK(linked_libraries(Halide::Target("arm-64-osx")).empty());
    for (const KnownTarget& known : known_targets()) {
        const Halide::Target target(known.variants.front());
        CHECK(std::any_of(
            known_systems().begin(), known_systems().end(), [&](const KnownSystem& system) {
                return target.to_string().find("-" + system.name) != std::string::npos;
            }));
    }
}

TEST_CASE("every name in the tables is a target", "[targets]") {
    for (const KnownTarget& known : known_targets()) {
        INFO(known.name);
        const LibraryTarget target = resolve_target(known.name);
        CHECK(target.name == known.name);
        REQUIRE(target.variants.size() == known.variants.size());
        for (const Variant& variant : target.variants) {
            CHECK(variant.target.arch == target.variants[0].target.arch);
            CHECK(variant.target.os == target.variants[0].target.os);
        }
    }
    for (const KnownCpu& cpu : known_cpus()) {
        INFO(cpu.name);
        CHECK(resolve_target(cpu.name).variants.size() == 1);
    }
}

}  // namespace siamc::compiler::test
