// Boxes and the lines between them, in pixels.
#pragma once

#include <vector>

#include "inspect/graph_boxes.h"

namespace siamc::compiler {

struct Point {
    double x = 0, y = 0;
};

// A value and its way to all that read it in other boxes.
struct Net {
    NodeId value = -1;
    std::vector<NodeId> readers;
    std::vector<std::vector<Point>> lines;       // each a polyline
    std::vector<std::pair<Point, Point>> heads;  // of arrows: the tip, and the way it points
};

struct GraphLayout {
    std::vector<Box> boxes;
    std::vector<Net> nets;
    double width = 0, height = 0;
};

GraphLayout lay_out(const Program& program);

}  // namespace siamc::compiler
