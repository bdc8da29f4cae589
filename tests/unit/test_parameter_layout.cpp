// Where parameters lie in the flat buffer.
#include "catch.h"
#include "compile.h"
#include "frontend/model_spec.h"

namespace siamc::compiler {

TEST_CASE("parameters that only losses have lie behind the others", "[plan]") {
    const ParameterLayout layout = layout_of(parse_model(R"(
name = "heads"
[input]
shape = [8]
[[layer]]
type = "dense"
units = 6
[[layer]]
type = "layer_norm"
[distance]
type = "euclidean"
[loss.arcface]
classes = 5
[loss.contrastive]
)"));
    std::vector<std::string> names;
    for (const ParameterSlot& slot : layout.slots) names.push_back(slot.name);
    CHECK(names == std::vector<std::string>{"dense1.kernel", "dense1.bias", "layer_norm1.gamma",
                                            "layer_norm1.beta", "arcface.kernel"});
    CHECK(layout.shared == 4);
    CHECK(layout.slots[4].dims == std::vector<int>{5, 6});
    const std::vector<std::optional<double>> initial = {{}, 0.0, 1.0, 0.0, {}};
    for (size_t s = 0; s < initial.size(); ++s) CHECK(layout.slots[s].initial == initial[s]);
}

// 640 floats, the last ten of them a line: a buffer of exactly so many would end in the vector that
// a kernel reads.
TEST_CASE("behind the last line of parameters lies what fills a vector", "[plan]") {
    const ParameterLayout layout = layout_of(parse_model(R"(
name = "m"
[input]
shape = [64]
[[layer]]
type = "dense"
units = 10
bias = false
[distance]
type = "euclidean"
[loss.contrastive]
)"));
    CHECK(layout.count == 640);
    CHECK(layout.padded >= 640 - 10 + 16);
}

TEST_CASE("parameters lie in the order of the layers, each on 256 bytes", "[plan]") {
    const ParameterLayout layout = layout_of(parse_model(R"(
name = "odd"
[input]
shape = [5, 7]
[[layer]]
type = "dense"
units = 37
[[layer]]
type = "dense"
units = 64
bias = false
[[layer]]
type = "dense"
units = 9
[distance]
type = "euclidean"
[loss.contrastive]
)"));
    std::vector<std::string> names;
    long end = 0;
    for (const ParameterSlot& slot : layout.slots) {
        names.push_back(slot.name);
        CHECK(slot.offset % 64 == 0);
        CHECK(slot.offset >= end);
        CHECK(slot.offset < end + 64);
        end = slot.offset + (slot.dims.size() == 2 ? static_cast<long>(slot.dims[0]) * slot.dims[1]
                                                   : slot.dims[0]);
    }
    CHECK(names == std::vector<std::string>{"dense1.kernel", "dense1.bias", "dense2.kernel",
                                            "dense3.kernel", "dense3.bias"});
    CHECK(layout.count == 35 * 37 + 37 + 37 * 64 + 64 * 9 + 9);
    CHECK(layout.padded >= end);
    CHECK(layout.padded - end < 64 + optimizer_tasks * 16);
    CHECK(layout.padded % (optimizer_tasks * 16) == 0);
}

}  // namespace siamc::compiler
