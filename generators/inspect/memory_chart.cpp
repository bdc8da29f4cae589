#include "inspect/memory_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "html/html.h"
#include "inspect/parts.h"

namespace siamc::compiler {

namespace {

// Pixels.
constexpr double width = 1000, left = 78, right = 930, top = 26, letter = 6.7, line = 12;

struct Chart {
    std::string title;
    double height;    // of the plot
    long begin, end;  // bytes shown
    int calls;

    double x(int call) const { return left + (right - left) * call / calls; }
    double y(long byte) const {
        return top +
               height * (1 - static_cast<double>(byte - begin) / static_cast<double>(end - begin));
    }
};

// A power of two that leaves four to eight ticks.
long tick_step(long bytes) {
    long step = 64;
    while (bytes / step >= 8) step *= 2;
    return step;
}

std::string draw_axis(const Chart& chart) {
    std::string svg;
    const long step = tick_step(chart.end - chart.begin);
    for (long byte = chart.begin; byte <= chart.end; byte += step)
        svg += fmt::format(
            "<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>"
            "<text text-anchor=\"end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
            left, chart.y(byte), right, left - 8, chart.y(byte) + 4,
            byte_text(static_cast<double>(byte - chart.begin)));
    for (int call = 0; call < chart.calls; ++call)
        svg +=
            fmt::format("<text text-anchor=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                        (chart.x(call) + chart.x(call + 1)) / 2, top + chart.height + 16, call + 1);
    return svg;
}

// The calls of a stage: a band with its name above.
std::string draw_stages(const Program& program, const Chart& chart) {
    std::string svg;
    for (int first = 0, call = 1; call <= chart.calls; ++call) {
        const auto stage = [&](int c) {
            return stage_of(program.kernels[program.calls[c].kernel]);
        };
        if (call < chart.calls && stage(call) == stage(first)) continue;
        svg += fmt::format(
            "<rect class=\"stage {}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">"
            "</rect><text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
            stage_name(stage(first)), chart.x(first), top, chart.x(call) - chart.x(first),
            chart.height, chart.x(first) + 3, top - 8, stage_name(stage(first)));
        first = call;
    }
    return svg;
}

// Whose each part of the arena is, at the right edge where there is room for the name.
std::string draw_parts(const Program& program, const Chart& chart) {
    std::string svg;
    const auto part = [&](long begin, long end, const std::string& name) {
        const double high = chart.y(begin) - chart.y(end);
        svg += fmt::format("<path class=\"part\" d=\"M{:.1f} {:.1f}h8\"/>", right, chart.y(end));
        if (high >= line)
            svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", right + 12,
                               chart.y(begin) - high / 2 + 4, name);
        svg += "\n";
    };
    part(0, program.slice_offset, "batch");
    for (int slice = 0; slice < program.slices && program.slice_bytes > 0; ++slice) {
        const long begin = program.slice_offset + slice * program.slice_bytes;
        part(begin, begin + program.slice_bytes, fmt::format("slice {}", slice + 1));
    }
    return svg;
}

std::string box_title(const MemoryBox& box) {
    const std::string whose = box.slice < 0 ? "" : fmt::format(", slice {}", box.slice + 1);
    return fmt::format("{}{}: {} at {}, calls {} to {}", box.name, whose,
                       byte_text(static_cast<double>(box.end - box.begin)), box.begin,
                       box.first_call + 1, box.last_call + 1);
}

std::string draw_box(const Chart& chart, const MemoryBox& box) {
    const double x = chart.x(box.first_call), across = chart.x(box.last_call + 1) - x;
    const double y = chart.y(box.end), high = chart.y(box.begin) - y;
    std::string svg = fmt::format(
        "<g class=\"tensor{}\"><title>{}</title><rect x=\"{:.1f}\" y=\"{:.2f}\" width=\"{:.1f}\" "
        "height=\"{:.2f}\"/>",
        box.slice < 0   ? " whole"
        : box.slice > 0 ? " repeated"
                        : "",
        escape(box_title(box)), x + 1, y, across - 2, std::max(high, 0.5));
    const auto letters = static_cast<size_t>(std::max(0.0, (across - 10) / letter));
    if (high >= line && letters >= 3 && box.slice <= 0)
        svg += fmt::format(
            "<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", x + 5, y + high / 2 + 4,
            escape(box.name.size() <= letters ? box.name : box.name.substr(0, letters - 1) + "…"));
    return svg + "</g>\n";
}

std::string draw(const Program& program, const Chart& chart, const std::vector<MemoryBox>& boxes) {
    std::string svg = fmt::format(
        "<figcaption>{0}</figcaption>\n<div class=\"wide\" role=\"region\" tabindex=\"0\" "
        "aria-label=\"{0}\">\n<svg class=\"memory\" viewBox=\"0 0 {1} {2:.0f}\" "
        "role=\"img\" aria-label=\"{0}\">\n",
        escape(chart.title), width, top + chart.height + 24);
    svg += draw_stages(program, chart) + draw_axis(chart);
    if (chart.begin == 0 && chart.end == program.arena_bytes) svg += draw_parts(program, chart);
    for (const MemoryBox& box : boxes)
        if (box.begin >= chart.begin && box.end <= chart.end) svg += draw_box(chart, box);
    return svg + "</svg></div>\n";
}

std::string call_list(const NamedProgram& named) {
    std::string html = "<ol class=\"calls\">\n";
    for (size_t c = 0; c < named.program.calls.size(); ++c) {
        const Call& call = named.program.calls[c];
        html +=
            fmt::format("<li><a href=\"#{}\">{}</a> × {}</li>\n", kernel_anchor(named.kernels[c]),
                        escape(named.program.kernels[call.kernel].name),
                        call.tasks ? fmt::format("{}", call.tasks) : "slices");
    }
    return html + "</ol>\n";
}

Table tensor_table(const Program& program) {
    Table table{
        "Tensors in the arena", {"tensor", "of", "offset", "bytes", "first call", "last call"}, {}};
    for (const Placement& tensor : program.arena)
        table.rows.push_back({{program.graph[tensor.node].name},
                              {tensor.per_slice ? "slice" : "batch"},
                              {grouped(static_cast<double>(tensor.offset))},
                              {grouped(static_cast<double>(tensor.bytes))},
                              {fmt::format("{}", tensor.first_call + 1)},
                              {fmt::format("{}", tensor.last_call + 1)}});
    return table;
}

}  // namespace

std::vector<MemoryBox> memory_boxes(const Program& program) {
    std::vector<MemoryBox> boxes;
    for (const Placement& tensor : program.arena)
        for (int slice = 0; slice < (tensor.per_slice ? program.slices : 1); ++slice) {
            const long part = program.slice_offset + slice * program.slice_bytes;
            const long begin = tensor.offset + (tensor.per_slice ? part : 0);
            boxes.push_back({program.graph[tensor.node].name, tensor.per_slice ? slice : -1, begin,
                             begin + tensor.bytes, tensor.first_call, tensor.last_call});
        }
    boxes.push_back({"first images of slices", -1, program.first_images, program.arena_bytes, 0,
                     static_cast<int>(program.calls.size()) - 1});
    return boxes;
}

std::string memory_figure(const NamedProgram& named) {
    const Program& program = named.program;
    const std::vector<MemoryBox> boxes = memory_boxes(program);
    const auto calls = static_cast<int>(program.calls.size());
    const auto number = [](long of) { return grouped(static_cast<double>(of)); };
    const std::string whole =
        fmt::format("The arena over the calls: {} bytes, {} slice{}", number(program.arena_bytes),
                    program.slices, program.slices == 1 ? "" : "s");
    std::string html =
        "<figure class=\"card\">\n<ul class=\"legend\"><li class=\"whole\">of the "
        "whole batch</li><li class=\"sliced\">of a slice</li></ul>\n" +
        draw(program, {whole, 340, 0, program.arena_bytes, calls}, boxes);
    if (program.slice_bytes > 0) {
        const std::string part =
            fmt::format("One slice's part of it: {} bytes, {} tuple{}", number(program.slice_bytes),
                        program.slice_tuples, program.slice_tuples == 1 ? "" : "s");
        const long begin = program.slice_offset, end = begin + program.slice_bytes;
        html += draw(program, {part, 260, begin, end, calls}, boxes);
    }
    return html + call_list(named) + "<details><summary>As a table</summary>" +
           render_table(tensor_table(program)) + "</details>\n</figure>\n";
}

}  // namespace siamc::compiler
