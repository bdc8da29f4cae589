#include "report/parts.h"

#include <fmt/format.h>

#include <cmath>

#include "html/html.h"

namespace siamc {

std::vector<double> column(const std::vector<EpochRow>& epochs, double EpochRow::*value) {
    std::vector<double> values;
    for (const EpochRow& row : epochs) values.push_back(row.*value);
    return values;
}

std::vector<double> percent_column(const std::vector<EpochRow>& epochs, double EpochRow::*value) {
    std::vector<double> values = column(epochs, value);
    for (double& share : values) share *= 100;
    return values;
}

std::string percent_text(double share) {
    return std::isnan(share) ? "not measured" : fmt::format("{:.2f} %", 100 * share);
}

void add_settings(Page& page, const Facts& settings) {
    if (settings.empty()) return;
    Table table{"Settings", {"setting", "value"}, {}};
    for (const auto& [name, value] : settings) table.rows.push_back({{name}, {value}});
    page.add_section("Configuration", "",
                     "<div class=\"settings\">" + render_table(table) + "</div>\n");
}

}  // namespace siamc
