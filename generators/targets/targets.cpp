#include "targets/targets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>

#include "core/error.h"
#include "frontend/wording.h"
#include "targets/known.h"

namespace siamc {

namespace {

using Halide::Target;

// What a feature cannot be without: every processor that has the one has the other.
struct Implied {
    Target::Feature feature;
    std::vector<Target::Feature> others;
};

const std::vector<Implied>& implied() {
    static const std::vector<Implied> rules = {
        {Target::AVX512_SapphireRapids, {Target::AVX512_Zen4}},
        {Target::AVX512_Zen5, {Target::AVX512_Zen4}},
        {Target::AVX512_Zen4, {Target::AVX512_Cannonlake}},
        {Target::AVX512_Cannonlake, {Target::AVX512_Skylake}},
        {Target::AVX512_Skylake, {Target::AVX512}},
        {Target::AVX512, {Target::AVX2}},
        {Target::AVX2, {Target::AVX, Target::FMA, Target::F16C}},
        {Target::FMA, {Target::AVX}},
        {Target::F16C, {Target::AVX}},
        {Target::AVX, {Target::SSE41}},
    };
    return rules;
}

Target with_implied(Target target) {
    if (target.arch == Target::X86) target.set_feature(Target::SSE41);
    for (const Implied& rule : implied())  // from the newest to the oldest
        if (target.has_feature(rule.feature))
            for (Target::Feature other : rule.others) target.set_feature(other);
    return target;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts(1);
    for (char c : text)
        if (c == at)
            parts.emplace_back();
        else
            parts.back() += c;
    return parts;
}

// This machine's system: what a CPU's name or a list of features leaves open.
std::string host_system() {
    return split(Target(Halide::get_host_target().os, Target::X86, 64).to_string(), '-').at(2);
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

// A word of clang's triples and Halide's for it.
using Words = std::map<std::string, std::string>;

std::optional<std::string> translated(const std::string& word, const Words& words) {
    const auto found = words.find(word);
    return found == words.end() ? std::nullopt : std::optional(found->second);
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

bool is_x86_feature(Target::Feature feature) {
    return std::any_of(implied().begin(), implied().end(), [&](const Implied& rule) {
        return rule.feature == feature ||
               std::count(rule.others.begin(), rule.others.end(), feature);
    });
}

// "avx2,fma" or "+avx2,+fma": for x86-64 on this machine's system.
std::optional<LibraryTarget> as_features(const std::string& text) {
    Target target(on_system("x86-64", host_system()));
    for (std::string name : split(text, ',')) {
        if (name.starts_with('+')) name.erase(0, 1);
        const Target::Feature feature = Target::feature_from_name(name);
        if (feature == Target::FeatureEnd || !is_x86_feature(feature)) return std::nullopt;
        target.set_feature(feature);
    }
    return single_target(with_implied(target));
}

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
    fail(Exit::usage,
         "--target: {} cannot be compiled for\n  why: {}\n  write: one of siamc targets",
         in_quotes(text), why);
}

void refuse_gpu(const std::string& text, const Target& target) {
    if (!target.has_gpu_feature()) return;
    if (target.has_feature(Target::CUDA) == target.has_feature(Target::OpenCL))
        refuse(text, "of GPUs there are schedules for cuda or opencl, one in a library");
    if (target.has_feature(Target::CUDA) && target.get_cuda_capability_lower_bound() < 70)
        refuse(text, "cuda needs cuda_capability_70 or more");
    if (target.arch != Target::X86 || target.os != Target::Linux)
        refuse(text, "GPUs are used from Linux on x86-64");
}

std::optional<LibraryTarget> as_halide_triple(const std::string& text) {
    if (!Target::validate_target_string(text)) return std::nullopt;
    const std::vector<std::string> words = split(text, '-');
    for (const std::string& word : words)
        if (words[0] == "arm" && is_x86_feature(Target::feature_from_name(word)))
            refuse(text, "no ARM processor has " + word);
    const Target target(text);
    if (target.arch != Target::X86 && target.arch != Target::ARM)
        refuse(text, "schedules are for x86 and ARM");
    if (target.bits != 64) refuse(text, "only 64-bit processors are supported");
    refuse_gpu(text, target);
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

std::string device_of(const LibraryTarget& target) {
    const Variant& variant = target.variants.front();
    return variant.target.has_gpu_feature() ? variant.name : "";
}

LibraryTarget single_target(const Target& target) {
    return {target.to_string(), {{target_family(target), target}}};
}

LibraryTarget resolve_target(const std::string& text) {
    const std::string name = lower(text);
    if (name == "host") return single_target(Halide::get_host_target());
    for (const auto spelling : {as_known, as_cpu, as_clang_triple, as_features, as_halide_triple})
        if (const std::optional<LibraryTarget> found = spelling(name)) return *found;
    const std::string close = nearest(name, all_names());
    fail(Exit::usage,
         "--target: {} is no target\n  why: it is neither a triple nor a CPU nor a list of "
         "features\n  write: {}; siamc targets lists them",
         in_quotes(text), close.empty() ? "host, or as in x86-64-linux" : close);
}

std::string list_targets() {
    std::string text =
        fmt::format("{:<20} this machine: {}\n", "host", Halide::get_host_target().to_string());
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

}  // namespace siamc
