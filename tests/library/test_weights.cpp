// Weights on disk, and what ties them to a library: the hash of its parameters.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "catch.h"
#include "core/files.h"
#include "crowd.h"
#include "library/fixture.h"
#include "runtime/data_helpers.h"
#include "training/safetensors.h"
#include "training/weights.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// fc's tables, to be changed as those of a library compiled from another model file would be.
struct Tables {
    std::vector<siamc_parameter> parameters{fc_model.parameters,
                                            fc_model.parameters + fc_model.parameter_tensors};
    siamc_model model = fc_model;

    Tables() { model.parameters = parameters.data(); }
};

std::filesystem::path save(const TempFolder& folder, const World& world) {
    const std::filesystem::path file = folder.path() / "weights.safetensors";
    save_weights(file, Model(world.model), world.parameters);
    return file;
}

// As another program writes them: no metadata, so no checksum.
void strip_metadata(const std::filesystem::path& file) {
    std::string bytes = read_file(file, 1 << 24);
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    const std::string header =
        "{" + bytes.substr(bytes.find("},") + 2, 8 + length - bytes.find("},") - 2);
    bytes.replace(8, length, header);
    length = header.size();
    bytes.replace(0, 8, reinterpret_cast<const char*>(&length), 8);
    write_file_atomically(file, bytes);
}

bool same(const FloatBuffer& a, const FloatBuffer& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("weights come back as they were saved, with the parameters' hash", "[once]") {
    const TempFolder folder;
    const World world;
    const auto file = save(folder, world);
    CHECK(same(load_weights(file, Model(fc_model)), world.parameters));
    CHECK(std::strlen(fc_model.parameter_hash) == 16);
    CHECK(read_safetensors(file).metadata().at("parameter_hash") == fc_model.parameter_hash);
    CHECK(std::string(fc_model.parameter_hash) != cnn_model.parameter_hash);
}

TEST_CASE("weights of other parameters are refused, with the first difference", "[once]") {
    const TempFolder folder;
    const World world;
    const auto file = save(folder, world);
    const auto refused = [&](const siamc_model& model, const std::string& why) {
        const Failure failure = failure_of([&] { load_weights(file, Model(model)); });
        INFO(failure.message);
        CHECK(failure.code == Exit::bad_data);
        CHECK(failure.message.rfind(file.string() + ": ", 0) == 0);
        CHECK(failure.mentions(why));
        CHECK(failure.mentions(fc_model.parameter_hash));
        CHECK(failure.mentions(model.parameter_hash));
        CHECK(failure.mentions("\n  write: --model with the model as it was then"));
    };
    refused(cnn_model, "there is no tensor conv2d1.kernel");
    Tables wide, renamed, fewer, reordered;
    for (Tables* tables : {&wide, &renamed, &fewer, &reordered})
        tables->model.parameter_hash = "0123456789abcdef";
    wide.parameters[3].dims[0] = 96;
    refused(wide.model, "tensor dense2.bias has shape [128], the model needs [96]");
    renamed.parameters[5].name = "dense9.bias";
    refused(renamed.model, "there is no tensor dense9.bias");
    --fewer.model.parameter_tensors;
    refused(fewer.model, "there are 6 tensors, the model has 5");
    refused(reordered.model, "they were parameters of another order");
}

TEST_CASE("parameters that are not drawn start as the library says", "[once]") {
    Tables tables;
    tables.parameters[1].initial = 1.0f;
    const Model model(tables.model);
    FloatBuffer initial = model.flat_buffer();
    model.initialize(initial, 3);
    for (const int t : {1, 3}) {
        const siamc_parameter& tensor = tables.parameters[static_cast<std::size_t>(t)];
        REQUIRE(tensor.dimensions == 1);
        const float* first = initial.data() + tensor.offset;
        CHECK(std::count(first, first + tensor.dims[0], t == 1 ? 1.0f : 0.0f) == tensor.dims[0]);
    }
}

TEST_CASE("weights without a hash are judged by their tensors", "[once]") {
    const TempFolder folder;
    const World world;
    const auto file = save(folder, world);
    strip_metadata(file);
    REQUIRE(read_safetensors(file).metadata().empty());
    CHECK(same(load_weights(file, Model(fc_model)), world.parameters));
    Tables wide;
    wide.parameters[3].dims[0] = 96;
    const Failure failure = failure_of([&] { load_weights(file, Model(wide.model)); });
    CHECK(failure.code == Exit::bad_data);
    CHECK(failure.mentions("parameter hash none"));
    const SafetensorsFile tensors = read_safetensors(file);
    write_safetensors(file, tensors.tensors(), {{"parameter_hash", ""}});
    CHECK(failure_of([&] { load_weights(file, Model(fc_model)); }).code == Exit::bad_data);
}

// Rectifiers and skipped zeros would hide them: every value is looked at.
TEST_CASE("weights that are not finite are refused", "[once]") {
    const TempFolder folder;
    World world;
    for (const float value :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
          -std::numeric_limits<float>::infinity()}) {
        for (const int t : {0, 3, 5}) {
            float& weight = world.parameters.data()[fc_model.parameters[t].offset + 7];
            const float before = std::exchange(weight, value);
            const auto file = save(folder, world);
            const Failure failure = failure_of([&] { load_weights(file, Model(fc_model)); });
            INFO(failure.message);
            CHECK(failure.code == Exit::bad_data);
            CHECK(failure.mentions(fmt::format("{}: tensor {}: value 7 is ", file.string(),
                                               fc_model.parameters[t].name)));
            strip_metadata(file);
            CHECK(failure_of([&] { load_weights(file, Model(fc_model)); }).code == Exit::bad_data);
            weight = before;
        }
    }
}

TEST_CASE("a file longer than the model's weights is not read", "[once]") {
    const TempFolder folder;
    const World world;
    const auto file = save(folder, world);
    std::filesystem::resize_file(file, std::uint64_t{1} << 40);  // takes no room
    const Failure failure = failure_of([&] { load_weights(file, Model(fc_model)); });
    CHECK(failure.code == Exit::bad_data);
    CHECK(failure.mentions("is longer than"));
}

// Nothing else in tables of another version can be trusted, sizes least of all.
TEST_CASE("a library of another ABI version is refused before its tables are read", "[once]") {
    for (const int version : {SIAMC_ABI_VERSION - 1, SIAMC_ABI_VERSION + 1}) {
        siamc_model model = {};
        model.abi_version = version;
        model.arena_bytes = std::numeric_limits<std::int64_t>::max();
        const Failure failure = failure_of([&] { const Model refused(model); });
        INFO(failure.message);
        CHECK(failure.code == Exit::internal);
        CHECK(failure.mentions(
            fmt::format("ABI version {}, this program {}", version, SIAMC_ABI_VERSION)));
        CHECK(failure.mentions("\n  write: siamc compile"));
    }
}

TEST_CASE("parameters that a loss alone has are saved, and no part of the hash", "[once]") {
    REQUIRE(crowd_model.shared_tensors == crowd_model.parameter_tensors - 2);
    REQUIRE(std::string(crowd_model.parameters[crowd_model.shared_tensors].name) ==
            "arcface.kernel");
    // The layers of models/fc.toml, which has no such loss.
    REQUIRE(std::string(crowd_model.parameter_hash) == fc_model.parameter_hash);
    const TempFolder folder;
    World world(crowd_model);
    const Model crowd(crowd_model), fc(fc_model);
    const auto alike = [](const FloatBuffer& a, const FloatBuffer& b, std::size_t floats) {
        return std::equal(a.data(), a.data() + floats, b.data());
    };
    save_weights(folder.path() / "crowd", crowd, world.parameters);
    const FloatBuffer again = load_weights(folder.path() / "crowd", crowd);
    CHECK(alike(again, world.parameters, CROWD_PARAMETER_FLOATS));
    const FloatBuffer without = load_weights(folder.path() / "crowd", fc);
    CHECK(alike(without, world.parameters, FC_DENSE3_BIAS_OFFSET + 256));
    save_weights(folder.path() / "fc", fc, without);
    const FloatBuffer back = load_weights(folder.path() / "fc", crowd);
    CHECK(alike(back, world.parameters, FC_DENSE3_BIAS_OFFSET + 256));
    CHECK(std::all_of(back.data() + CROWD_ARCFACE_KERNEL_OFFSET, back.data() + back.size(),
                      [](float value) { return value == 0; }));
}
