#include "targets/targets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/wording.h"
#include "targets/halide_spelling.h"
#include "targets/known.h"

namespace siamc::compiler {

namespace {

using Halide::Target;

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

// This machine's system: what a CPU's name or a list of features leaves open.
std::string host_system() {
    return split(Target(Halide::get_host_target().os, Target::X86, 64).to_string(), '-').at(2);
}

// A word of others and Halide's for it.
using Words = std::map<std::string, std::string>;

std::optional<std::string> translated(const std::string& word, const Words& words) {
    const auto found = words.find(word);
    return found == words.end() ? std::nullopt : std::optional(found->second);
}

std::optional<LibraryTarget> as_known(const std::string& text) {
    for (const KnownTarget& known : known_targets()) {
        if (known.name != text) continue;
        LibraryTarget target{known.name, {}};
        for (const std::string& spelling : known.variants)
            target.variants.push_back({target_family(Target(spelling)), Target(spelling)});
        return target;
    }
    return std::nullopt;
}

// An architecture alone: what most that name it so run is Linux.
std::optional<LibraryTarget> as_architecture(const std::string& text) {
    static const Words names = {{"x86-64", "x86-64"}, {"x86_64", "x86-64"}, {"amd64", "x86-64"},
                                {"arm-64", "arm-64"}, {"arm64", "arm-64"},  {"aarch64", "arm-64"}};
    const std::optional<std::string> name = translated(text, names);
    return name ? as_known(*name + "-linux") : std::nullopt;
}

// "arm-64" on Linux is "arm-64-linux"; "x86-64-avx2" is "x86-64-linux-avx2".
std::string on_system(const std::string& processor, const std::string& system) {
    std::vector<std::string> parts = split(processor, '-');
    parts.insert(parts.begin() + 2, system);
    return fmt::format("{}", fmt::join(parts, "-"));
}

std::optional<LibraryTarget> as_cpu(const std::string& text) {
    for (const KnownCpu& cpu : known_cpus())
        if (cpu.name == text) return single_target(Target(on_system(cpu.variant, host_system())));
    return std::nullopt;
}

// "macosx11.0" is a version of "macosx".
std::string without_version(const std::string& word) {
    const size_t last = word.find_last_not_of("0123456789.");
    return last == std::string::npos ? word : word.substr(0, last + 1);
}

// ARCH[-VENDOR]-SYSTEM[-ABI]: x86_64-unknown-linux-gnu, aarch64-linux-gnu, arm64-apple-macosx11.
std::optional<LibraryTarget> as_clang_triple(const std::string& text) {
    static const Words architectures = {
        {"x86_64", "x86-64"}, {"amd64", "x86-64"}, {"aarch64", "arm-64"}, {"arm64", "arm-64"}};
    static const Words systems = {
        {"android", "android"}, {"linux", "linux"},     {"darwin", "osx"},  {"macos", "osx"},
        {"macosx", "osx"},      {"windows", "windows"}, {"win", "windows"}, {"mingw", "windows"}};
    // Whoever made the machine, and ABIs that change nothing here.
    static const std::set<std::string> others = {"unknown", "pc",  "apple", "none",
                                                 "w",       "gnu", "musl",  "msvc"};
    const std::vector<std::string> parts = split(text, '-');
    const std::optional<std::string> architecture = translated(parts[0], architectures);
    std::optional<std::string> system;
    for (size_t p = 1; p < parts.size(); ++p) {
        const std::string word = without_version(parts[p]);
        if (const auto known = translated(word, systems)) {
            if (!system || *known == "android") system = known;  // Android's say linux too
        } else if (!others.count(word)) {
            return std::nullopt;
        }
    }
    if (!architecture || !system) return std::nullopt;
    return as_known(*architecture + "-" + *system);
}

// "avx2,fma" or "+avx2,+fma": for x86-64 on this machine's system.
std::optional<LibraryTarget> as_features(const std::string& text) {
    Target target(on_system("x86-64", host_system()));
    for (std::string name : split(text, ',')) {
        if (name.starts_with('+')) name.erase(0, 1);
        if (!is_x86_feature(name)) return std::nullopt;
        target.set_feature(Target::feature_from_name(name));
    }
    return single_target(with_implied(target));
}

std::vector<std::string> all_names() {
    std::vector<std::string> names = {"host"};
    for (const KnownTarget& known : known_targets()) names.push_back(known.name);
    for (const KnownCpu& cpu : known_cpus()) names.push_back(cpu.name);
    for (const char* triple : {"x86_64-unknown-linux-gnu", "aarch64-linux-gnu"})
        names.emplace_back(triple);
    return names;
}

}  // namespace

std::string target_family(const Target& target) {
    if (target.has_feature(Target::CUDA)) return "cuda";
    if (target.has_feature(Target::OpenCL)) return "opencl";
    if (target.arch == Target::ARM) return "neon";
    if (target.natural_vector_size<float>() == 16) return "avx512";
    if (target.natural_vector_size<float>() == 4) return "sse41";
    return target.has_feature(Target::AVX2) ? "avx2" : "avx";
}

Target kernel_target(const Target& target) {
    Target bare = target.with_feature(Target::NoRuntime).with_feature(Target::NoBoundsQuery);
    if (target.has_gpu_feature()) return bare;
    // Sums are added in the order written. Where there are no fused multiply-adds LLVM would first
    // add up the products of an unrolled loop, and leaving out zero ones would round the rest anew.
    if (target.arch == Target::X86 && !target.has_feature(Target::FMA))
        bare.set_feature(Target::StrictFloat);
    return bare.with_feature(Target::NoAsserts);
}

std::string device_of(const LibraryTarget& target) {
    const Variant& variant = target.variants.front();
    return variant.target.has_gpu_feature() ? variant.name : "";
}

LibraryTarget single_target(const Target& target) {
    return {target.to_string(), {{target_family(target), target}}};
}

LibraryTarget resolve_target(const std::string& text) {
    const std::string name = lower(text);
    if (name == "host") return single_target(host_target());
    for (const auto spelling :
         {as_known, as_architecture, as_cpu, as_clang_triple, as_features, as_halide_triple})
        if (const std::optional<LibraryTarget> found = spelling(name)) return *found;
    const std::string close = nearest(name, all_names());
    fail(Exit::usage,
         "--target: {} is no target\n  why: it is neither a triple nor a CPU nor a list of "
         "features\n  write: {}; siamc targets lists them",
         in_quotes(text), close.empty() ? "host, or as in x86-64-linux" : close);
}

std::string default_target() {
    Target target = host_target();
    target = Target(target.os, target.arch, target.bits);  // without features
    const std::string name = target.to_string();
    const auto is_it = [&](const KnownTarget& known) { return known.name == name; };
    return std::any_of(known_targets().begin(), known_targets().end(), is_it) ? name : "host";
}

std::string list_targets() {
    std::string text = fmt::format("{:<20} this machine: {}\n", "host", host_target().to_string());
    for (const KnownTarget& known : known_targets()) {
        std::vector<std::string> variants;
        for (const std::string& spelling : known.variants)
            variants.push_back(target_family(Target(spelling)));
        text += fmt::format("{:<20} {}\n{:<20}   {}: {}\n", known.name, known.needs, "",
                            fmt::join(variants, ", "), known.tested);
    }
    std::vector<std::string> cpus;
    for (const KnownCpu& cpu : known_cpus()) cpus.push_back(cpu.name);
    return text + fmt::format(
                      "\nalso: clang's triples, as x86_64-unknown-linux-gnu or "
                      "aarch64-linux-gnu; Halide's, as\nx86-64-linux-avx-avx2-f16c-fma-"
                      "sse41; features, as avx2,fma; and CPUs:\n{}\n",
                      fmt::join(cpus, " "));
}

}  // namespace siamc::compiler
