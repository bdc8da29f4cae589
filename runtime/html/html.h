// Small pieces of HTML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace siamc {

// Text as HTML shows it literally, in elements and in quoted attributes: markup characters become
// references, control characters other than tab and line ends become U+FFFD.
std::string escape(std::string_view text);

struct Cell {
    std::string text;   // plain, not HTML
    bool best = false;  // stands out
};

struct Table {
    std::string caption;
    std::vector<std::string> columns;     // the first one names the rows
    std::vector<std::vector<Cell>> rows;  // each as long as columns
};

// Wide or long tables scroll on a screen and are whole on paper.
std::string render_table(const Table& table);

// 1234567 as "1,234,567".
std::string grouped(double number);

}  // namespace siamc
