// How two tasks share the way of one image, or a few, through a network.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "passes/fuse.h"

namespace siamc::compiler {

// What becomes of a kernel: each task has half of the units or filters; each does all of it into
// memory of its own, which is quicker than to wait for the other; or one task does it.
enum class Share { divided, doubled, alone };

struct Sharing {
    std::vector<Share> share;  // by kernel
    std::vector<int> part;     // by kernel: before a part both tasks wait for each other
};

// Tasks that share an image.
constexpr int image_tasks = 2;

// The dimension that counts units or filters, or blocks of the latter (layers/winograd.h).
inline size_t divided_dimension(const Shape& shape) {
    return shape.rows == Rows::none && shape.dims.size() == 5 ? 4 : 0;
}

// Whether there is work enough to hand half of it to another thread.
[[nodiscard]] bool is_worth_sharing(const Graph& graph);

[[nodiscard]] Sharing share_images(const Graph& graph, const std::vector<Kernel>& kernels);

}  // namespace siamc::compiler
