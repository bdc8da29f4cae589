#include "report/svg.h"

#include <fmt/format.h>

#include <utility>

#include "html/html.h"

namespace siamc {

Frame::Frame(Axis horizontal, Axis vertical) : x(std::move(horizontal)), y(std::move(vertical)) {
    x.from = Canvas::left;
    x.to = Canvas::right;
    y.from = Canvas::bottom;  // SVG counts downwards
    y.to = Canvas::top;
}

std::string draw_frame(const Frame& frame, const std::string& x_label, const std::string& y_label) {
    std::string svg;
    for (std::size_t i = 0; i < frame.y.ticks.size(); ++i) {
        const double y = frame.y.place(frame.y.ticks[i]);
        svg += fmt::format(
            "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
            "<text class=\"tick\" text-anchor=\"end\" x=\"{3}\" y=\"{4:.1f}\">{5}</text>\n",
            Canvas::left, Canvas::right, y, Canvas::left - 8, y + 4, frame.y.labels[i]);
    }
    for (std::size_t i = 0; i < frame.x.ticks.size(); ++i) {
        svg += fmt::format(
            "<line class=\"axis\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
            "<text class=\"tick\" text-anchor=\"middle\" x=\"{0:.1f}\" y=\"{3}\">{4}</text>\n",
            frame.x.place(frame.x.ticks[i]), Canvas::bottom, Canvas::bottom + 5,
            Canvas::bottom + 19, frame.x.labels[i]);
    }
    svg += fmt::format("<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>\n",
                       Canvas::left, Canvas::right, Canvas::bottom, Canvas::bottom);
    svg += fmt::format("<text class=\"unit\" x=\"{}\" y=\"12\">{}</text>\n", 4, escape(y_label));
    svg += fmt::format("<text class=\"unit\" text-anchor=\"end\" x=\"{}\" y=\"{}\">{}</text>\n",
                       Canvas::right, Canvas::height - 6, escape(x_label));
    return svg;
}

std::string style_class(int style) {
    return fmt::format("s{}", style % styles + 1);
}

static std::string draw_key(const Key& key) {
    const bool area = key.sample == Key::Sample::area;
    std::string sample = area ? "<rect x=\"1\" y=\"1\" width=\"24\" height=\"10\"/>"
                              : "<line x1=\"0\" x2=\"26\" y1=\"6\" y2=\"6\"/>";
    if (key.sample == Key::Sample::dotted_line) sample += "<circle cx=\"13\" cy=\"6\" r=\"3.2\"/>";
    return fmt::format(
        "<li><svg class=\"key {} {}\" viewBox=\"0 0 26 12\" aria-hidden=\"true\">{}</svg>{}</li>",
        area ? "area" : "line", style_class(key.style), sample, escape(key.name));
}

std::string wrap_figure(const std::string& title, const std::string& body,
                        const std::vector<Key>& legend, const std::string& note) {
    const std::string name = escape(title);
    std::string html = fmt::format("<figure class=\"card\">\n<figcaption>{}</figcaption>\n", name);
    html += "<ul class=\"legend\">";
    for (const Key& key : legend) html += draw_key(key);
    html += fmt::format(
        "</ul>\n<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">"
        "<title>{}</title>\n{}</svg>\n",
        Canvas::width, Canvas::height, name, name, body);
    if (!note.empty()) html += fmt::format("<p class=\"note\">{}</p>\n", escape(note));
    return html + "</figure>\n";
}

}  // namespace siamc
