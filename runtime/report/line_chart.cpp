#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "html/html.h"
#include "report/chart.h"
#include "report/svg.h"

namespace siamc {
namespace {

constexpr std::size_t most_marked = 20;    // epochs with a dot each
constexpr std::size_t most_pointed = 200;  // epochs whose values the pointer shows

Axis value_axis(const LineChart& chart) {
    bool any = false;
    double low = 0, high = 0;
    for (const Series& series : chart.series) {
        for (const double value : series.values) {
            if (!std::isfinite(value)) continue;
            low = any ? std::min(low, value) : value;
            high = any ? std::max(high, value) : value;
            any = true;
        }
    }
    if (chart.percent) {
        constexpr double least = 1;  // so that noise does not fill the chart
        const double middle = (low + high) / 2;
        low = std::max(0.0, std::min(low, middle - least / 2));
        high = std::min(100.0, std::max(high, middle + least / 2));
    } else {
        low = std::min(low, 0.0);
        if (high <= low) high = low + 1;
    }
    return round_axis(low, high, 5);
}

std::string value_text(const LineChart& chart, double value) {
    return chart.percent ? fmt::format("{:.2f} %", value) : fmt::format("{:.4g}", value);
}

// A path through the values, broken where one is missing.
std::string draw_path(const Frame& frame, const std::vector<double>& values) {
    std::string path;
    bool drawing = false;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::isfinite(values[i])) {
            path +=
                fmt::format("{}{:.1f} {:.1f}", drawing ? "L" : "M",
                            frame.x.place(static_cast<double>(i + 1)), frame.y.place(values[i]));
        }
        drawing = std::isfinite(values[i]);
    }
    return path.empty() ? "" : fmt::format("<path d=\"{}\"/>\n", path);
}

bool stands_alone(const std::vector<double>& values, std::size_t i) {
    const bool before = i > 0 && std::isfinite(values[i - 1]);
    const bool after = i + 1 < values.size() && std::isfinite(values[i + 1]);
    return !before && !after;
}

std::string draw_points(const Frame& frame, const LineChart& chart, const Series& series) {
    std::string svg;
    const bool all_marked = series.values.size() <= most_marked;
    const bool pointed = series.values.size() <= most_pointed;
    for (std::size_t i = 0; i < series.values.size(); ++i) {
        const double value = series.values[i];
        const bool marked = all_marked || stands_alone(series.values, i);
        if (!std::isfinite(value) || !(marked || pointed)) continue;
        svg += fmt::format(
            "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\">"
            "<title>{}, epoch {}: {}</title></circle>\n",
            marked ? "dot" : "hidden", frame.x.place(static_cast<double>(i + 1)),
            frame.y.place(value), marked ? "3.2" : "4", escape(series.name), i + 1,
            value_text(chart, value));
    }
    return svg;
}

}  // namespace

std::string render_line_chart(const LineChart& chart) {
    std::size_t epochs = 1;
    for (const Series& series : chart.series) epochs = std::max(epochs, series.values.size());
    const Frame frame(epoch_axis(static_cast<int>(epochs), 10), value_axis(chart));
    std::string svg = draw_frame(frame, "epoch", chart.unit);
    std::vector<Key> legend;
    for (std::size_t i = 0; i < chart.series.size(); ++i) {
        const Series& series = chart.series[i];
        legend.push_back({series.name, static_cast<int>(i),
                          epochs <= most_marked ? Key::Sample::dotted_line : Key::Sample::line});
        svg += fmt::format("<g class=\"line {}\">\n{}{}</g>\n", style_class(static_cast<int>(i)),
                           draw_path(frame, series.values), draw_points(frame, chart, series));
    }
    return wrap_figure(chart.title, svg, legend, "");
}

}  // namespace siamc
