// Where convolutions put their zeros, by sums that are worked out by hand.
#include "catch.h"
#include "layer_cases.h"
#include "support/evaluate.h"

namespace siamc::compiler::test {

namespace {

// The weights of a window 4 wide or less say by their digit which pixel they met.
const std::vector<double> weights = {1, 10, 100, 1000};

struct Line {
    std::vector<double> pixels;
    long width, stride;   // of the window
    std::string padding;  // "same", "valid" or "BEFORE BEHIND"
    std::vector<double> sums;
};

// The line as an image one pixel high, or one pixel wide, through a convolution of one filter.
std::vector<double> convolved(const Line& line, bool upright) {
    const auto length = static_cast<int>(line.pixels.size());
    std::string padding = line.padding;
    if (padding.size() == 3) padding = upright ? "0 0 " + padding : padding + " 0 0";
    const Attributes attributes = {{"filters", 1L},
                                   {"kernel", upright ? line.width : 1L},
                                   {"kernel_width", upright ? 1L : line.width},
                                   {"stride", line.stride},
                                   {"padding", padding},
                                   {"groups", 1L},
                                   {"dilation", 1L},
                                   {"bias", false}};
    const std::vector<int> dims = upright ? std::vector{1, length} : std::vector{length, 1};
    const LayerCase made = make_case(*find_layer("conv2d", LayerKind::layer), dims, attributes, 1);
    const RowCounts rows{1, 1, 0};
    std::map<NodeId, Bounded> values;
    for (NodeId id = 0; id < static_cast<NodeId>(made.graph.nodes.size()); ++id) {
        const Node& node = made.graph[id];
        if (node.op->pattern != Pattern::source) {
            values[id] = evaluate(made.graph, id, values, rows);
            continue;
        }
        values[id] = {make_tensor(node.shape, rows), {}};
        const std::vector<double>& numbers = node.name == "x" ? line.pixels : weights;
        std::copy_n(numbers.begin(), values[id].tensor.data.size(), values[id].tensor.data.begin());
    }
    return values[made.graph.outputs[0]].tensor.data;
}

}  // namespace

TEST_CASE("convolutions pad as the language says", "[layers]") {
    const std::vector<Line> lines = {
        {{1, 2, 3, 4}, 2, 1, "valid", {21, 32, 43}},
        {{1, 2, 3, 4}, 2, 1, "same", {21, 32, 43, 4}},  // the odd zero is behind
        {{1, 2, 3, 4}, 3, 1, "same", {210, 321, 432, 43}},
        {{1, 2, 3, 4}, 4, 1, "same", {3210, 4321, 432, 43}},
        {{1, 2, 3, 4, 5}, 4, 2, "same", {3210, 5432, 54}},
        {{1, 2, 3, 4, 5, 6}, 3, 2, "same", {321, 543, 65}},  // one zero, behind
        {{1, 2, 3, 4}, 1, 3, "same", {1, 4}},
        {{1, 2, 3}, 2, 1, "2 0", {0, 10, 21, 32}},
        {{1, 2, 3}, 2, 1, "0 3", {21, 32, 3, 0, 0}},
        {{1, 2, 3}, 4, 2, "1 2", {3210, 32}},
    };
    for (const Line& line : lines)
        for (const bool upright : {false, true}) {
            INFO(line.pixels.size() << " pixels, window " << line.width << ", stride "
                                    << line.stride << ", " << line.padding);
            CHECK(convolved(line, upright) == line.sums);
        }
}

}  // namespace siamc::compiler::test
