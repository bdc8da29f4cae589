#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "html/html.h"
#include "inspect/graph_layout.h"
#include "inspect/parts.h"
#include "layers/op.h"
#include "layers/structural.h"

namespace siamc::compiler {

namespace {

constexpr double margin = 8;

// What a value is, for the colour of its line.
const char* kind_of(const Graph& graph, const NodeLine& line) {
    const Node& node = graph[line.node];
    if (node.op == &parameter_op() || node.op->pattern == Pattern::parameter) return "is-parameter";
    if (!line.after_loss) return "is-value";
    const bool sum = node.shape.rows == Rows::none || node.shape.rows == Rows::slice;
    return sum ? "is-gradient" : "is-adjoint";
}

std::string draw_head(const Point& tip, const Point& way) {
    const double x = tip.x - 6 * way.x, y = tip.y - 6 * way.y;
    return fmt::format("M{:.1f} {:.1f}L{:.1f} {:.1f}L{:.1f} {:.1f}Z", tip.x, tip.y, x + 3 * way.y,
                       y + 3 * way.x, x - 3 * way.y, y - 3 * way.x);
}

std::string draw_net(const Program& program, const Net& net, const NodeLine& from) {
    const Graph& graph = program.graph;
    std::vector<std::string> names;
    for (NodeId reader : net.readers) names.push_back(graph[reader].name);
    std::string path, heads;
    for (const auto& line : net.lines)
        for (size_t p = 0; p < line.size(); ++p)
            path += fmt::format("{}{:.1f} {:.1f}", p ? "L" : "M", line[p].x, line[p].y);
    for (const auto& [tip, way] : net.heads) heads += draw_head(tip, way);
    return fmt::format(
        "<g class=\"net {}\"><title>{} {} → {}</title><path class=\"reach\" d=\"{}\"/>"
        "<path class=\"line\" d=\"{}\"/><path class=\"head\" d=\"{}\"/></g>\n",
        kind_of(graph, from), escape(graph[net.value].name),
        escape(to_string(graph[net.value].shape)),
        escape(fmt::format("{}", fmt::join(names, ", "))), path, path, heads);
}

std::string draw_lines(const std::vector<std::string>& lines, const char* style, double x,
                       double& y) {
    std::string svg;
    for (const std::string& line : lines) {
        y += text_line;
        svg += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", style, x, y,
                           escape(line));
    }
    return svg;
}

// Arrows within a kernel, at its left edge, from node to node.
std::string draw_inner_edges(const Graph& graph, const Box& box) {
    std::string lines, heads;
    for (const NodeLine& to : box.nodes)
        for (Edge edge : graph[to.node].inputs) {
            const auto from =
                std::find_if(box.nodes.begin(), box.nodes.end(),
                             [&](const auto& line) { return line.node == edge.node; });
            if (from == box.nodes.end()) continue;
            const double x = box.x + 15, start = box.y + from->top + from->height - 14;
            const double end = box.y + to.top + 10;
            lines += fmt::format("M{0:.1f} {1:.1f}C{2:.1f} {1:.1f} {2:.1f} {3:.1f} {4:.1f} {3:.1f}",
                                 x, start, x - 11, end, x - 3);
            heads += draw_head({x, end}, {1, 0});
        }
    if (lines.empty()) return "";
    return fmt::format("<path class=\"inner\" d=\"{}\"/><path class=\"tip\" d=\"{}\"/>", lines,
                       heads);
}

std::string draw_node(const Graph& graph, const Box& box, const NodeLine& line) {
    const bool is_output = std::count(graph.outputs.begin(), graph.outputs.end(), line.node) > 0;
    const double x = box.x + (box.kernel < 0 ? 10 : 18);
    double y = box.y + line.top + 1;
    std::string svg =
        fmt::format("<g class=\"node{}\" data-node=\"{}\">", is_output ? " output" : "", line.node);
    svg += draw_lines(line.name, "name", x, y);
    svg += draw_lines(line.what, "what", x, y);
    return svg + "</g>";
}

std::string draw_box(const NamedProgram& named, const Box& box) {
    const Program& program = named.program;
    const bool computed = box.kernel >= 0;
    const char* style = computed ? stage_name(stage_of(program.kernels[box.kernel]))
                        : program.graph[box.nodes[0].node].op->pattern == Pattern::source ? "source"
                                                                                          : "view";
    std::string svg = fmt::format(
        "<g class=\"box {}\"><rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
        "rx=\"6\"/>",
        style, box.x, box.y, box.width, box.height);
    if (computed) {
        const auto call = std::find_if(program.calls.begin(), program.calls.end(),
                                       [&](const Call& c) { return c.kernel == box.kernel; });
        double y = box.y + 2;
        svg += fmt::format("<path class=\"stripe\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>", box.x + 1.5,
                           box.y + 5, box.y + box.height - 5);
        svg += fmt::format("<a href=\"#{}\">",
                           kernel_anchor(named.kernels[call - program.calls.begin()]));
        svg += draw_lines(box.title, "title", box.x + 10, y) + "</a>";
    }
    svg += draw_inner_edges(program.graph, box);
    for (const NodeLine& line : box.nodes) svg += draw_node(program.graph, box, line);
    return svg + "</g>\n";
}

Table node_table(const NamedProgram& named) {
    const Program& program = named.program;
    const Graph& graph = program.graph;
    std::vector<std::string> kernel_of(graph.nodes.size());
    for (const Kernel& kernel : program.kernels)
        for (NodeId id : kernel.nodes) kernel_of[id] = kernel.name;
    Table table{"Nodes", {"node", "operation", "shape", "reads", "kernel"}, {}};
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
        std::vector<std::string> reads;
        for (Edge edge : graph[id].inputs) reads.push_back(graph[edge.node].name);
        table.rows.push_back({{graph[id].name},
                              {graph[id].op->name},
                              {to_string(graph[id].shape)},
                              {fmt::format("{}", fmt::join(reads, ", "))},
                              {kernel_of[id]}});
    }
    return table;
}

std::string draw_headings(const GraphLayout& layout) {
    static const char* const names[] = {"given", "forward", "backward", "gradients of weights"};
    std::string svg;
    for (int column = 0; column < column_count; ++column) {
        const auto box = std::find_if(layout.boxes.begin(), layout.boxes.end(), [&](const Box& b) {
            return static_cast<int>(b.column) == column;
        });
        if (box != layout.boxes.end())
            svg += fmt::format("<text class=\"heading\" x=\"{:.1f}\" y=\"6\">{}</text>\n", box->x,
                               names[column]);
    }
    return svg;
}

}  // namespace

std::string graph_figure(const NamedProgram& named) {
    const GraphLayout layout = lay_out(named.program);
    const double width = layout.width + 2 * margin, height = layout.height + 2 * margin + 8;
    std::string html = fmt::format(
        "<figure class=\"card\">\n<ul class=\"legend\">"
        "<li class=\"is-value\">values</li><li class=\"is-parameter\">parameters</li>"
        "<li class=\"is-adjoint\">adjoints</li><li class=\"is-gradient\">sums of gradients</li>"
        "<li class=\"prologue\">kernel of the prologue</li><li class=\"slices\">kernel of slices"
        "</li><li class=\"batch\">kernel of the batch</li><li class=\"view\">a view: nothing is "
        "computed</li></ul>\n"
        "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"graph of {0}\">\n"
        "<svg class=\"graph\" viewBox=\"{1} {2} {3:.0f} {4:.0f}\" "
        "style=\"min-width:{5:.0f}px;max-width:{3:.0f}px\" aria-label=\"graph of {0}\">\n",
        escape(named.name), -margin, -margin - 4, width, height, 0.75 * width);
    html += draw_headings(layout);
    std::map<NodeId, const NodeLine*> lines;
    for (const Box& box : layout.boxes)
        for (const NodeLine& line : box.nodes) lines[line.node] = &line;
    for (const Net& net : layout.nets) html += draw_net(named.program, net, *lines.at(net.value));
    for (const Box& box : layout.boxes) html += draw_box(named, box);
    return html + "</svg></div>\n<details><summary>As a table</summary>" +
           render_table(node_table(named)) + "</details>\n</figure>\n";
}

}  // namespace siamc::compiler
