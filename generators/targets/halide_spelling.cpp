#include "targets/halide_spelling.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"
#include "core/wording.h"
#include "targets/known.h"

namespace siamc::compiler {

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

[[noreturn]] void refuse(const std::string& text, const std::string& why,
                         const std::string& instead = "one of siamc targets") {
    fail(Exit::usage, "--target: {} cannot be compiled for\n  why: {}\n  write: {}",
         in_quotes(text), why, instead);
}

// Halide's name of the architecture and of the system.
std::string processor_name(const Target& target) {
    return target.arch == Target::X86 ? "x86-64" : "arm-64";
}
std::string system_name(const Target& target) {
    return split(Target(target.os, Target::X86, 64).to_string(), '-').at(2);
}

bool is_taken(const std::string& feature, const std::string& processor) {
    return std::any_of(known_features().begin(), known_features().end(), [&](const auto& known) {
        return (known.processor.empty() || known.processor == processor) &&
               std::count(known.names.begin(), known.names.end(), feature) > 0;
    });
}

// Whether the word names the architecture, its bits, the system or this machine, not a feature.
bool is_base(const std::string& word) {
    return Target::feature_from_name(word) == Target::FeatureEnd && !word.starts_with("tune_") &&
           !word.starts_with("vector_bits_");
}

// `processor` as Halide has it, for people.
std::string spoken(const std::string& processor) {
    return processor == "arm-64" ? "ARM" : processor;
}

// Why a target of that processor cannot have the feature.
std::string why_refused(const std::string& feature, const std::string& processor) {
    for (const KnownFeatures& other : known_features())
        if (other.processor != processor && is_taken(feature, other.processor))
            return fmt::format("no {} processor has {}", spoken(processor), feature);
    for (const RefusedFeature& refused : refused_features()) {
        if (!feature.starts_with(refused.begins)) continue;
        if (!refused.owner.empty() && refused.owner != processor)
            return fmt::format("no {} processor has {}", spoken(processor), feature);
        return fmt::format("{}: {}", feature, refused.why);
    }
    return feature;
}

// Refuses what is no instruction set, or another processor's.
void refuse_features(const std::string& text, const std::vector<std::string>& words,
                     const std::string& processor) {
    std::string why;
    std::vector<std::string> taken;
    for (const std::string& word : words) {
        if (is_base(word) || is_taken(word, processor))
            taken.push_back(word);
        else if (why.empty())
            why = why_refused(word, processor);
    }
    if (!why.empty()) refuse(text, why, fmt::format("{}", fmt::join(taken, "-")));
}

void refuse_gpu(const std::string& text, const Target& target) {
    const bool cuda = target.has_feature(Target::CUDA);
    std::vector<std::string> words = split(text, '-');
    const size_t capabilities = std::erase_if(
        words, [](const std::string& word) { return word.starts_with("cuda_capability_"); });
    if (!cuda && capabilities > 0)
        refuse(text, "a cuda_capability is of no use without cuda",
               fmt::format("{}", fmt::join(words, "-")));
    if (!target.has_gpu_feature()) return;
    if (cuda == target.has_feature(Target::OpenCL))
        refuse(text, "of GPUs there are schedules for cuda or opencl, one in a library");
    if (target.arch != Target::X86 || target.os != Target::Linux)
        refuse(text, "GPUs are used from Linux on x86-64");
    if (!cuda || target.get_cuda_capability_lower_bound() >= 70) return;
    refuse(text, "cuda needs cuda_capability_70 or more",
           fmt::format("{}-cuda_capability_70", fmt::join(words, "-")));
}

const KnownSystem* system_of(const Target& target) {
    const std::string name = system_name(target);
    for (const KnownSystem& system : known_systems())
        if (system.name == name) return &system;
    return nullptr;
}

// The words of Halide's spelling that say what the features are for.
std::optional<Target> base_of(const std::vector<std::string>& words) {
    std::vector<std::string> base;
    std::copy_if(words.begin(), words.end(), std::back_inserter(base), is_base);
    if (base == std::vector<std::string>{"host"}) return host_target();
    const std::string text = fmt::format("{}", fmt::join(base, "-"));
    if (base.front() == "host" || !Target::validate_target_string(text)) return std::nullopt;
    return Target(text);
}

}  // namespace

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts(1);
    for (char c : text)
        if (c == at)
            parts.emplace_back();
        else
            parts.back() += c;
    return parts;
}

Target with_implied(Target target) {
    if (target.arch == Target::X86) target.set_feature(Target::SSE41);
    for (const Implied& rule : implied())  // from the newest to the oldest
        if (target.has_feature(rule.feature))
            for (Target::Feature other : rule.others) target.set_feature(other);
    return target;
}

bool is_x86_feature(const std::string& name) {
    return is_taken(name, "x86-64") && !is_taken(name, "") &&
           Target::feature_from_name(name) != Target::FeatureEnd;
}

std::vector<std::string> linked_libraries(const Target& target) {
    const KnownSystem* system = system_of(target);
    return system ? system->libraries : std::vector<std::string>{};
}

Target host_target() {
    const Target host = Halide::get_host_target();
    Target taken(host.os, host.arch, host.bits, host.processor_tune);
    for (int f = 0; f < Target::FeatureEnd; ++f) {
        const auto feature = static_cast<Target::Feature>(f);
        if (host.has_feature(feature) &&
            is_taken(Target::feature_to_name(feature), processor_name(host)))
            taken.set_feature(feature);
    }
    return with_implied(taken);  // Halide finds avx512_sapphirerapids without avx512_zen4
}

// Halide ends the program for some combinations of features, so it is given none that has not been
// looked at as a word.
std::optional<LibraryTarget> as_halide_triple(const std::string& text) {
    const std::vector<std::string> words = split(text, '-');
    if (!is_base(words.front())) return std::nullopt;
    const std::optional<Target> base = base_of(words);
    if (!base) return std::nullopt;
    Target target = *base;
    if (target.arch != Target::X86 && target.arch != Target::ARM)
        refuse(text, "schedules are for x86 and ARM");
    if (target.bits != 64) refuse(text, "only 64-bit processors are supported");
    if (!system_of(target))
        refuse(text, fmt::format("{} has not what a library calls: threads, and files for messages",
                                 system_name(target)));
    if (target.os == Target::Windows && target.arch == Target::ARM)
        refuse(text, "objects for Windows are made for x86-64 alone", "x86-64-windows");
    refuse_features(text, words, processor_name(target));
    for (const std::string& word : words) {
        const Target::Feature feature = Target::feature_from_name(word);
        if (feature != Target::FeatureEnd)
            target.set_feature(feature);
        else if (!is_base(word))
            target.processor_tune = Target("x86-64-linux-" + word).processor_tune;
    }
    refuse_gpu(text, target);
    return single_target(with_implied(target));
}

}  // namespace siamc::compiler
