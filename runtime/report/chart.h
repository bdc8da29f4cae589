// Charts as inline SVG: no script, colours from the page's style.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/axis.h"

namespace siamc {

struct Series {
    std::string name;
    std::vector<double> values;  // one an epoch, from epoch 1; not finite: none
};

struct LineChart {
    std::string title;
    std::string unit;      // of the values, at their axis
    bool percent = false;  // values are 0 … 100, and the axis starts near them; otherwise at 0
    std::vector<Series> series;
};

// A figure with a legend. Each series has its own colour and dashes (six of them, in turn).
std::string render_line_chart(const LineChart& chart);

struct Histogram {
    std::string title;
    std::span<const float> same, different;  // distances, finite
    double threshold = 0;
};

// Distances of same and different pairs as shares of each kind; the threshold is an edge between
// bars.
std::string render_histogram(const Histogram& histogram);

}  // namespace siamc
