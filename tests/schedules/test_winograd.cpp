// Winograd's convolution: tiles of both sizes, on places that they do not cover evenly, with what
// may come behind them.
#include <string>

#include "catch.h"
#include "schedules/checked_model.h"

namespace siamc::compiler::test {

namespace {

const std::string relu = "activation = \"relu\"\n";
const std::string same = "padding = \"same\"\n";

// A kernel is transformed once for all images of a batch: fewer would not be worth it.
constexpr int tuples = 24;

// A program of layers in front of a dense one, on images of `shape`; `kernel`: what the name of one
// of the kernels has to have.
void check_layers(const std::string& program, const std::string& layers, const std::string& shape,
                  const std::string& kernel) {
    INFO(program << " of " << layers << "on " << shape);
    const CheckedModel checked(model(layers + dense(3), "euclidean", shape), tuples,
                               std::vector{program});
    CHECK(checked.has_kernel(kernel));
    for (const KernelTargets& targets : tested_targets())
        checked.check(ScheduleChoice::tuned, targets);
}

}  // namespace

TEST_CASE("Winograd's tiles of four results a side", "[winograd]") {
    check_layers("contrastive", conv(17, 1) + conv(18, 3, relu), "8, 9", "__6x6x17x18_relu");
    check_layers("embed", conv(16, 1) + conv(32, 3, same + relu) + layer("max_pool"), "6, 7",
                 "__6x6x16x32_max_pool_relu");
}

TEST_CASE("Winograd's tiles of two results a side", "[winograd]") {
    check_layers("contrastive", conv(48, 1) + conv(64, 3), "4, 4", "__4x4x48x64");
    check_layers("embed", conv(64, 1) + conv(64, 3, relu) + layer("max_pool"), "4, 4",
                 "__4x4x64x64_max_pool_relu");
}

TEST_CASE("Winograd's convolution of more channels than are transformed at once", "[winograd]") {
    check_layers("embed", conv(40, 1) + conv(80, 3, relu), "5, 6", "__6x6x40x80_relu");
}

TEST_CASE("Winograd's convolution by kernels that are cut into parts", "[winograd]") {
    check_layers("embed", conv(16, 1) + conv(32, 5, same + relu) + layer("max_pool"), "4, 5",
                 "__6x6x64x32_max_pool_relu");
    check_layers("embed", conv(16, 1) + conv(16, 7, relu) + layer("max_pool"), "11, 12",
                 "__7x7x64x16_max_pool_relu");
}

TEST_CASE("Winograd's tiles of four results a side by parts of 4 x 4", "[winograd]") {
    check_layers("contrastive", conv(17, 1) + conv(18, 4, relu), "7, 8", "__7x7x17x18_relu");
    check_layers("embed", conv(16, 1) + conv(32, 4, same + relu) + layer("max_pool"), "5, 7",
                 "__7x7x16x32_max_pool_relu");
}

TEST_CASE("what is not pooled inside a tile is pooled behind the convolution", "[winograd]") {
    check_layers("embed", conv(16, 1) + conv(16, 3) + layer("max_pool", "window = 3\n"), "8, 8",
                 "__6x6x16x16");
}

TEST_CASE("Winograd's convolution with a sum behind it", "[winograd]") {
    check_layers(
        "embed",
        conv(16, 1) + conv(16, 3, same) + layer("add", "with = \"conv2d1\"\n") + layer("relu"),
        "6, 6", "__6x6x16x16_relu");
}

}  // namespace siamc::compiler::test
