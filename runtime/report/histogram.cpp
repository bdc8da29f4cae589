#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "report/chart.h"
#include "report/svg.h"

namespace siamc {
namespace {

struct Bars {
    double width = 1;  // the first one starts at 0
    std::size_t count = 1;
};

Bars choose_bars(double largest, double threshold) {
    constexpr double wanted = 40;
    if (!(largest > 0)) largest = threshold > 0 ? 2 * threshold : 1;
    double width = largest / wanted;
    if (threshold >= width) width = threshold / std::ceil(threshold / width);
    return {width, static_cast<std::size_t>(largest / width) + 1};
}

// Percent of the distances in each bar; what lies below 0, by rounding or by negative weights
// (weighted_l1), is in the first.
std::vector<double> shares(std::span<const float> distances, const Bars& bars) {
    std::vector<double> result(bars.count, 0.0);
    for (const float distance : distances) {
        const double bar = std::max(0.0, std::floor(static_cast<double>(distance) / bars.width));
        result[std::min(static_cast<std::size_t>(bar), bars.count - 1)] +=
            100 / static_cast<double>(distances.size());
    }
    return result;
}

// From the first bar that isn't empty to the last.
std::string draw_steps(const Frame& frame, const Bars& bars, const std::vector<double>& heights,
                       int style) {
    const auto filled = [](double height) { return height > 0; };
    const auto first = std::find_if(heights.begin(), heights.end(), filled);
    const auto last = std::find_if(heights.rbegin(), heights.rend(), filled).base();
    const auto edge = [&](auto bar) {
        return frame.x.place(bars.width * static_cast<double>(bar - heights.begin()));
    };
    if (first == heights.end()) return "";
    std::string path = fmt::format("M{:.1f} {:.1f}", edge(first), frame.y.place(0));
    for (auto bar = first; bar != last; ++bar)
        path += fmt::format("V{:.1f}H{:.1f}", frame.y.place(*bar), edge(bar + 1));
    path += fmt::format("V{:.1f}Z", frame.y.place(0));
    return fmt::format("<g class=\"area {}\"><path d=\"{}\"/></g>\n", style_class(style), path);
}

std::string draw_threshold(const Frame& frame, double threshold) {
    if (threshold < frame.x.low || threshold > frame.x.high) return "";
    const double x = frame.x.place(threshold);
    const bool right_half = x > (Canvas::left + Canvas::right) / 2;
    return fmt::format(
        "<line class=\"threshold\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
        "<text class=\"unit strong\" text-anchor=\"{3}\" x=\"{0:.1f}\" y=\"{4}\">threshold {5:.4g}"
        "</text>\n",
        x, Canvas::top - 6, Canvas::bottom, right_half ? "end" : "start", Canvas::top - 12,
        threshold);
}

// How many percent lie on the wrong side.
double wrong_share(std::span<const float> distances, double threshold, bool same) {
    const auto wrong = std::count_if(distances.begin(), distances.end(),
                                     [&](float d) { return (d < threshold) != same; });
    return distances.empty()
               ? 0
               : 100 * static_cast<double>(wrong) / static_cast<double>(distances.size());
}

}  // namespace

std::string render_histogram(const Histogram& histogram) {
    double largest = 0;
    for (const std::span<const float> kind : {histogram.same, histogram.different}) {
        for (const float distance : kind)
            largest = std::max(largest, static_cast<double>(distance));
    }
    const Bars bars = choose_bars(largest, histogram.threshold);
    const std::vector<double> same = shares(histogram.same, bars);
    const std::vector<double> different = shares(histogram.different, bars);
    const double highest = std::max(*std::max_element(same.begin(), same.end()),
                                    *std::max_element(different.begin(), different.end()));
    Axis x = round_axis(0, bars.width * static_cast<double>(bars.count), 8);
    const Frame frame(x, round_axis(0, std::max(highest, 1.0), 5));
    const std::string svg =
        draw_frame(frame, "distance D", "% of each kind") + draw_steps(frame, bars, different, 1) +
        draw_steps(frame, bars, same, 0) + draw_threshold(frame, histogram.threshold);
    const std::string note = fmt::format(
        "At D < {:.4g}, {:.2f} % of the same pairs are taken for different, and {:.2f} % of the "
        "different ones for the same.",
        histogram.threshold, wrong_share(histogram.same, histogram.threshold, true),
        wrong_share(histogram.different, histogram.threshold, false));
    return wrap_figure(
        histogram.title, svg,
        {{"same class", 0, Key::Sample::area}, {"different classes", 1, Key::Sample::area}}, note);
}

}  // namespace siamc
