// What every chart here is drawn on.
#pragma once

#include <string>
#include <vector>

#include "report/axis.h"

namespace siamc {

// The drawing's units; the page scales it to the room there is.
struct Canvas {
    static constexpr double width = 520, height = 300;
    static constexpr double left = 56, right = 506, top = 26, bottom = 256;  // of the plot
};

// The axes, with places set to the canvas' plot area.
struct Frame {
    Axis x, y;
    Frame(Axis horizontal, Axis vertical);
};

// Grid, ticks and labels. The vertical axis is labelled at its top, where it needs no turned text.
std::string draw_frame(const Frame& frame, const std::string& x_label, const std::string& y_label);

struct Key {
    enum class Sample { line, dotted_line, area };
    std::string name;
    int style = 0;  // class s1 … s6 is style % 6 + 1
    Sample sample = Sample::line;
};

constexpr int styles = 6;

// The class of a style: "s1" …
std::string style_class(int style);

// Title, legend and drawing. `body` is SVG; `note` is plain text below it, may be empty.
std::string wrap_figure(const std::string& title, const std::string& body,
                        const std::vector<Key>& legend, const std::string& note);

}  // namespace siamc
