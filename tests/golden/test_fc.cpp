// The memory plan and the manifest of models/fc.toml, for one target, word for word. After a change
// that is meant to change them: SIAMC_UPDATE_GOLDEN=1 ./run-tests -L golden, then read the diff.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "compile.h"

namespace siamc::compiler {

namespace {

namespace fs = std::filesystem;

const fs::path golden = fs::path(SIAMC_SOURCE_DIR) / "tests/golden";

std::unique_ptr<Library> compiled() {
    CompileOptions options;
    options.target = resolve_target("x86-64-linux-avx2");
    options.batch = 128;
    return compile_model(read_model(fs::path(SIAMC_SOURCE_DIR) / "models/fc.toml"), options);
}

std::string read(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const fs::path& file, const std::string& text) {
    std::ofstream stream(file, std::ios::binary);
    stream << text << std::flush;
    if (!stream) FAIL("cannot write " << file);
}

std::string output_of(const std::string& command) {
    std::string text;
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe);
    for (int c; (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
    ::pclose(pipe);
    return text;
}

std::string with(std::string text, const std::string& old, const std::string& fresh) {
    const size_t at = text.find(old);
    REQUIRE(at != std::string::npos);
    return text.replace(at, old.size(), fresh);
}

void compare(const std::string& name, const std::string& text) {
    const fs::path file = golden / name;
    if (std::getenv("SIAMC_UPDATE_GOLDEN")) {
        write(file, text);
        WARN(file << " is updated");
    }
    const std::string expected = read(file);
    REQUIRE(!expected.empty());
    if (text == expected) return;
    const fs::path now = fs::temp_directory_path() / ("siamc-now-" + std::to_string(::getpid()));
    write(now, text);
    FAIL_CHECK(name << " is not what it was; to accept this, set SIAMC_UPDATE_GOLDEN=1\n"
                    << output_of("diff -u '" + file.string() + "' '" + now.string() + "'"));
    fs::remove(now);
}

}  // namespace

TEST_CASE("the memory plan of fc", "[golden]") {
    const auto library = compiled();
    std::string text;
    for (const NamedProgram& named : library->programs)
        text += "# " + named.name + "\n" + to_string(named.program) + "\n";
    compare("fc.plan.txt", text);
}

// Without what changes with Halide's version: the hash, in symbols too.
TEST_CASE("the manifest of fc", "[golden]") {
    auto manifest = nlohmann::ordered_json::parse(emit_manifest(*compiled(), {}));
    CHECK(manifest.at("halide").get<std::string>().rfind("21.", 0) == 0);
    const std::string hash = manifest.at("hash");
    CHECK(hash.size() == 16);
    manifest.erase("halide");
    std::string text = manifest.dump(1) + "\n";
    for (size_t at = 0; (at = text.find(hash, at)) != std::string::npos;)
        text.replace(at, hash.size(), "HASH");
    compare("fc.manifest.json", text);
}

// The hash names what was compiled: the same for the same, another for anything else.
TEST_CASE("the hash of a library", "[golden]") {
    const std::string file = read(fs::path(SIAMC_SOURCE_DIR) / "models/fc.toml");
    const auto hash = [&](const std::string& text, int batch, const char* target) {
        CompileOptions options;
        options.target = resolve_target(target);
        options.batch = batch;
        return compile_model(parse_model(text), options)->hash;
    };
    const char* const avx2 = "x86-64-linux-avx-avx2-f16c-fma-sse41";
    const std::string first = hash(file, 128, avx2);
    CHECK(hash(file, 128, avx2) == first);
    CHECK(hash(file + "\n# a comment\n", 128, avx2) == first);
    CHECK(hash(file, 64, avx2) != first);
    CHECK(hash(file, 128, "x86-64-linux-sse41") != first);
    CHECK(hash(with(file, "units = 128", "units = 96"), 128, avx2) != first);
    CHECK(hash(with(file, "margin = 1.0", "margin = 1.5"), 128, avx2) != first);
    CHECK(hash(with(file, "euclidean", "cosine"), 128, avx2) != first);
    CHECK(hash(with(file, "scale = 0.00392156862745098", "scale = 0.00392156862745097"), 128,
               avx2) != first);
    CHECK(hash(with(file, "\"l2_normalize\"", "\"l2_normalize\"\nepsilon = 1e-7"), 128, avx2) !=
          first);
    // The kernels stay, the tables do not.
    CHECK(hash(with(file, "[28, 28]", "[784]"), 128, avx2) != first);
    CHECK(hash(with(file, "[28, 28]", "[14, 56]"), 128, avx2) != first);
}

// The hash of the parameters ties weights to a library: only what the weights are counts.
TEST_CASE("the hash of a library's parameters", "[golden]") {
    const std::string file = read(fs::path(SIAMC_SOURCE_DIR) / "models/fc.toml");
    CompileOptions options, other;
    options.target = resolve_target("x86-64-linux-avx2");
    other.target = resolve_target("arm-64-linux");
    other.batch = 64;
    other.schedules = {};
    const auto hash = [&](const std::string& text) {
        return parameter_hash(compile_model(parse_model(text), options)->parameters);
    };
    const std::string first = hash(file);
    CHECK(parameter_hash(compile_model(parse_model(file), other)->parameters) == first);
    CHECK(hash(with(file, "margin = 1.0", "margin = 1.5")) == first);
    CHECK(hash(with(file, "euclidean", "cosine")) == first);
    CHECK(hash(with(file, "units = 128", "units = 96")) != first);
    CHECK(hash(with(file, "[28, 28]", "[28, 27]")) != first);

    ParameterLayout layout = compiled()->parameters;
    std::swap(layout.slots[1], layout.slots[3]);
    CHECK(parameter_hash(layout) != first);
    std::swap(layout.slots[1], layout.slots[3]);
    CHECK(parameter_hash(layout) == first);
    layout.slots[1].name = "dense1.offset";
    CHECK(parameter_hash(layout) != first);
}

}  // namespace siamc::compiler
