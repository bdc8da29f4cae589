// What the drawing of a program's graph shows, and where: boxes of nodes on a grid. Columns are,
// from left to right, what is given (parameters and data, and what is made of them before the
// batch), the way forward, the way back, and gradients of weights. A row is a layer of the model:
// what belongs to its gradient stands beside it.
#pragma once

#include <string>
#include <vector>

#include "passes/plan.h"

namespace siamc::compiler {

enum class Column { given, forward, backward, weights };
constexpr int column_count = 4;

// A node in a box. Heights are in pixels, `top` from the box's own top.
struct NodeLine {
    NodeId node;
    bool after_loss;                      // belongs to the way back
    std::vector<std::string> name, what;  // wrapped: its name; operation and shape
    double top = 0, height = 0;
};

struct Box {
    int kernel = -1;                 // -1: a node that no kernel computes: given, or shown anew
    std::vector<std::string> title;  // of a kernel, wrapped
    std::vector<NodeLine> nodes;     // in topological order
    Column column = Column::given;
    int row = 0;
    double x = 0, y = 0, width = 0, height = 0;
};

// Letters are this wide: all text is monospaced.
constexpr double letter_width = 7.25, text_line = 15;

// Every node of the graph in one box, sizes and cells set; in the order in which a cell's boxes
// stand below each other.
std::vector<Box> boxes_of(const Program& program);

}  // namespace siamc::compiler
