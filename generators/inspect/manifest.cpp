#include "inspect/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "emit/sha256.h"

namespace siamc {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

std::string head_text(const Json& manifest) {
    std::string text = fmt::format("{} ({})\n", manifest.at("model").get<std::string>(),
                                   manifest.at("format").get<std::string>());
    text += fmt::format("target       {}\n", manifest.at("target").get<std::string>());
    for (const Json& variant : manifest.at("variants"))
        text += fmt::format("  {:<10} {}\n", variant.at("name").get<std::string>(),
                            variant.at("target").get<std::string>());
    const Json& input = manifest.at("input");
    text +=
        fmt::format("hash         {}\nhalide       {}\n", manifest.at("hash").get<std::string>(),
                    manifest.at("halide").get<std::string>());
    text += fmt::format("input        [{}] {}, times {}\nembedding    {} numbers\n",
                        fmt::join(input.at("shape").get<std::vector<long>>(), " "),
                        input.at("type").get<std::string>(), input.at("scale").get<double>(),
                        manifest.at("embedding").get<long>());
    std::vector<std::string> optimizers;
    for (const Json& rule : manifest.at("optimizers")) optimizers.push_back(rule.at("name"));
    return text + fmt::format("optimizers   {}\n", fmt::join(optimizers, ", "));
}

std::string parameters_text(const Json& parameters) {
    std::string text =
        fmt::format("\nparameters: {} floats, {} with padding\n",
                    parameters.at("count").get<long>(), parameters.at("floats").get<long>());
    for (const Json& tensor : parameters.at("tensors"))
        text += fmt::format("  {:>10}  {:<24} [{}]\n", tensor.at("offset").get<long>(),
                            tensor.at("name").get<std::string>(),
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
            program.at("name").get<std::string>(), program.at("batch").get<long>(),
            program.at("slice_tuples").get<long>(), program.at("calls").size(),
            program.at("arena_bytes").get<long>(),
            program.at("multiply_adds_per_image").get<long>());
    return text;
}

std::string kernels_text(const Json& kernels) {
    std::string text = "\nkernels, and their tiles: vectors x rows, 0: the schedule's rule\n";
    for (const Json& kernel : kernels) {
        text +=
            fmt::format("  {}\n    {}\n", kernel.at("kernel").get<std::string>(),
                        fmt::join(kernel.at("operations").get<std::vector<std::string>>(), " "));
        if (!kernel.contains("tiles")) continue;
        for (const auto& [variant, tile] : kernel.at("tiles").items())
            text += fmt::format("    {:<8} {} x {} ({})\n", variant, tile.at("vectors").get<long>(),
                                tile.at("wide").get<long>(), tile.at("from").get<std::string>());
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
            report.missing.push_back(name);
        } else if (sha256_of_file(file) != sha256) {
            state = "changed";
            report.changed.push_back(name);
        }
        report.text += fmt::format("  {:<24} {:<10} sha256 {}\n", name, state, sha256);
    }
}

}  // namespace

bool looks_like_manifest(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    char first = 0;
    return stream >> first && first == '{';
}

ManifestReport inspect_manifest(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) fail(Exit::missing_input, "cannot read {}", file.string());
    try {
        const Json manifest = Json::parse(stream);
        ManifestReport report;
        report.text = head_text(manifest) + parameters_text(manifest.at("parameters")) +
                      programs_text(manifest.at("programs")) + kernels_text(manifest.at("kernels"));
        check_files(manifest.at("files"), file.parent_path(), report);
        return report;
    } catch (const Json::exception& error) {
        fail(Exit::bad_data,
             "{}: error: no manifest of siamc\n  why: {}\n  write: the manifest that siamc compile "
             "wrote, or a model",
             file.string(), error.what());
    }
}

}  // namespace siamc
