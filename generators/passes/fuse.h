// Which nodes are computed together: each kernel becomes one generated function.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "layers/op.h"

namespace siamc::compiler {

// When a kernel runs, and over what.
enum class Stage {
    prologue,  // once, before the batch: transposed parameters
    slices,    // per slice of the batch, slices in parallel
    batch,     // over the whole batch: sums of gradients, blocks of them in parallel
};

struct Kernel {
    std::string name;             // "dense_784x64_relu", "dense_784x64__grad_kernel"
    Pattern pattern;              // of its first node
    std::vector<NodeId> nodes;    // in topological order
    std::vector<NodeId> inputs;   // values from outside, as read: a view stands for its base
    std::vector<NodeId> outputs;  // nodes that others need
    // How often what it computes looked across the batch on its way: a kernel of a phase runs when
    // all slices are through the phase before. In the prologue: how often what it reads was made
    // there of parameters.
    int phase = 0;
    bool of_active = false;  // reads what is listed when the forward pass is through
};

Stage stage_of(const Kernel& kernel);

// The node whose memory a view shows; of other nodes themselves.
NodeId base_of(const Graph& graph, NodeId id);

// Every node that is neither a source nor a view is in exactly one kernel. Elementwise nodes join
// the product or convolution that feeds them (bias, relu, relu's gradient), and so does pooling of
// what nobody wants unpooled; chains of rowwise nodes are one kernel (distance, loss and their
// gradients). Kernels are in the order of execution. `single_row`: the program only ever sees one
// image. Then a rowwise node also joins the product that it alone reads (normalisation), unless
// that skips zeros. With many rows it would not pay: a product walks all rows for a few columns at
// a time, and no row is whole before the last.
[[nodiscard]] std::vector<Kernel> fuse(const Graph& graph, bool single_row);

std::string to_string(const Graph& graph, const std::vector<Kernel>& kernels);

}  // namespace siamc::compiler
