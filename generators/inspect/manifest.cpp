#include "inspect/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/sha256.h"
#include "core/wording.h"

namespace siamc::compiler {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

// Many times what siamc writes for its largest models.
constexpr std::size_t max_manifest_bytes = std::size_t{64} << 20;

// Texts of the file, fit for a terminal.
std::string shown(const Json& value) {
    return printable(value.get<std::string>());
}

std::string shown_list(const Json& values) {
    std::vector<std::string> texts;
    for (const Json& value : values) texts.push_back(shown(value));
    return fmt::format("{}", fmt::join(texts, " "));
}

std::string head_text(const Json& manifest) {
    std::string text =
        fmt::format("{} ({})\n", shown(manifest.at("model")), shown(manifest.at("format")));
    text += fmt::format("target       {}\n", shown(manifest.at("target")));
    for (const Json& variant : manifest.at("variants"))
        text +=
            fmt::format("  {:<10} {}\n", shown(variant.at("name")), shown(variant.at("target")));
    const Json& input = manifest.at("input");
    text += fmt::format("hash         {}\nhalide       {}\n", shown(manifest.at("hash")),
                        shown(manifest.at("halide")));
    text += fmt::format("input        [{}] {}, times {}\nembedding    {} numbers\n",
                        fmt::join(input.at("shape").get<std::vector<long>>(), " "),
                        shown(input.at("type")), input.at("scale").get<double>(),
                        manifest.at("embedding").get<long>());
    std::vector<std::string> optimizers;
    for (const Json& rule : manifest.at("optimizers")) optimizers.push_back(shown(rule.at("name")));
    return text + fmt::format("optimizers   {}\n", fmt::join(optimizers, ", "));
}

std::string parameters_text(const Json& parameters) {
    std::string text =
        fmt::format("\nparameters: {} floats, {} with padding\n",
                    parameters.at("count").get<long>(), parameters.at("floats").get<long>());
    for (const Json& tensor : parameters.at("tensors"))
        text += fmt::format("  {:>10}  {:<24} [{}]\n", tensor.at("offset").get<long>(),
                            shown(tensor.at("name")),
                            fmt::join(tensor.at("shape").get<std::vector<long>>(), " "));
    return text;
}

std::string programs_text(const Json& programs) {
    std::string text = "\nprograms\n";
    for (const Json& program : programs)
        text += fmt::format(
            "  {:<24} batch of {} in slices of {}, {} calls, arena of {} bytes, {} multiply-adds "
            "an "
            "image\n",
            shown(program.at("name")), program.at("batch").get<long>(),
            program.at("slice_tuples").get<long>(), program.at("calls").size(),
            program.at("arena_bytes").get<long>(),
            program.at("multiply_adds_per_image").get<long>());
    return text;
}

std::string kernels_text(const Json& kernels) {
    std::string text = "\nkernels, and their tiles: vectors x rows, 0: the schedule's rule\n";
    for (const Json& kernel : kernels) {
        text += fmt::format("  {}\n    {}\n", shown(kernel.at("kernel")),
                            shown_list(kernel.at("operations")));
        if (!kernel.contains("tiles")) continue;
        for (const auto& [variant, tile] : kernel.at("tiles").items())
            text += fmt::format("    {:<8} {} x {} ({})\n", printable(variant),
                                tile.at("vectors").get<long>(), tile.at("wide").get<long>(),
                                shown(tile.at("from")));
    }
    return text;
}

void check_files(const Json& files, const fs::path& folder, ManifestReport& report) {
    report.text += "\nfiles\n";
    for (const Json& entry : files) {
        const std::string name = entry.at("name"), sha256 = entry.at("sha256");
        const fs::path file = folder / fs::path(name).filename();
        std::string state = "as written";
        if (!fs::is_regular_file(file)) {
            state = "missing";
            report.missing.push_back(printable(name));
        } else if (sha256_of_file(file) != sha256) {
            state = "changed";
            report.changed.push_back(printable(name));
        }
        report.text +=
            fmt::format("  {:<24} {:<10} sha256 {}\n", printable(name), state, printable(sha256));
    }
}

}  // namespace

bool looks_like_manifest(const fs::path& file) {
    if (!fs::is_regular_file(file)) return false;
    const std::string text = read_file(file, max_manifest_bytes);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string::npos && text[first] == '{';
}

ManifestReport inspect_manifest(const fs::path& file) {
    const std::string text = read_file(file, max_manifest_bytes);
    try {
        const Json manifest = Json::parse(text);
        ManifestReport report;
        report.text = head_text(manifest) + parameters_text(manifest.at("parameters")) +
                      programs_text(manifest.at("programs")) + kernels_text(manifest.at("kernels"));
        check_files(manifest.at("files"), file.parent_path(), report);
        return report;
    } catch (const Json::exception& error) {
        fail(Exit::bad_data,
             "{}: error: no manifest of siamc\n  why: {}\n  write: the manifest that siamc compile "
             "wrote, or a model",
             printable(file.string()), printable(error.what()));
    }
}

}  // namespace siamc::compiler
