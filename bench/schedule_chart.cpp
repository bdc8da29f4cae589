#include "schedule_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace siamc::compiler {

namespace {

using Json = nlohmann::ordered_json;

// Pixels.
constexpr double width = 1060, left = 440, right = 880, top = 84, line = 21, radius = 4.5;

struct Style {
    const char *fill, *shape;
};

// Told apart by shape as well as by colour (those of Okabe and Ito).
const std::map<std::string, Style> styles = {{"naive", {"#888888", "cross"}},
                                             {"Adams2019", {"#0072b2", "square"}},
                                             {"Mullapudi2016", {"#e69f00", "diamond"}},
                                             {"Li2018", {"#cc79a7", "triangle"}},
                                             {"tuned", {"#009e73", "circle"}}};

struct KernelRow {
    std::string name, failed;                           // those that failed, by name
    std::vector<std::pair<std::string, double>> times;  // schedule, time over bound
};

std::vector<KernelRow> kernels_of(const Json& result) {
    std::vector<KernelRow> kernels;
    for (const Json& row : result["rows"]) {
        const std::string name = row["kernel"], schedule = row["schedule"];
        if (kernels.empty() || kernels.back().name != name) kernels.push_back({name, "", {}});
        KernelRow& kernel = kernels.back();
        if (row["us"].is_null())
            kernel.failed += (kernel.failed.empty() ? "" : ", ") + schedule;
        else
            kernel.times.push_back(
                {schedule, row["us"].get<double>() / row["bound_us"].get<double>()});
    }
    return kernels;
}

std::string mark(const std::string& schedule, double x, double y) {
    const auto found = styles.find(schedule);
    const Style style = found == styles.end() ? Style{"#000000", "circle"} : found->second;
    const std::string shape = style.shape;
    if (shape == "circle")
        return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\"/>", x, y,
                           radius + 0.5, style.fill);
    if (shape == "cross")
        return fmt::format(
            "<path d=\"M{0:.1f} {1:.1f}l8 8m0 -8l-8 8\" stroke=\"{2}\" stroke-width=\"2\"/>", x - 4,
            y - 4, style.fill);
    std::string path;
    if (shape == "square")
        path = fmt::format("M{:.1f} {:.1f}h8v8h-8z", x - 4, y - 4);
    else if (shape == "diamond")
        path = fmt::format("M{:.1f} {:.1f}l5 5l-5 5l-5 -5z", x, y - 5);
    else
        path = fmt::format("M{:.1f} {:.1f}l5 9h-10z", x, y - 5);
    return fmt::format("<path d=\"{}\" fill=\"{}\"/>", path, style.fill);
}

std::string text(double x, double y, const std::string& words, const std::string& more = "") {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, more, words);
}

std::string legend() {
    std::string drawn;
    double x = left;
    for (const char* name : {"tuned", "Adams2019", "Mullapudi2016", "Li2018", "naive"}) {
        drawn += mark(name, x, 48) + text(x + 9, 52, name);
        x += 24 + 7.5 * static_cast<double>(std::string(name).size());
    }
    return drawn;
}

std::string axis(double decades, double bottom) {
    std::string drawn;
    for (int decade = 0; decade <= static_cast<int>(decades); ++decade) {
        const double x = left + (right - left) * decade / decades;
        drawn += fmt::format(
            "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"{3}\"/>\n", x,
            top - 8, bottom, decade == 0 ? "#000000" : "#dddddd");
        drawn += text(x, top - 13, fmt::format("{} x", std::lround(std::pow(10, decade))),
                      "text-anchor=\"middle\"");
    }
    return drawn;
}

}  // namespace

std::string draw_schedules(const Json& result) {
    const std::vector<KernelRow> kernels = kernels_of(result);
    double most = 10;
    for (const KernelRow& kernel : kernels)
        for (const auto& [schedule, over] : kernel.times) most = std::max(most, over);
    const double decades = std::ceil(std::log10(most));
    const double bottom = top + line * static_cast<double>(kernels.size());
    std::string drawn = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
        "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        width, bottom + 14);
    drawn += text(14, 24,
                  "Time of each kernel over its bound: the longer of its multiply-adds at "
                  "the peak of one core and its bytes at the rate of the caches",
                  "font-weight=\"bold\"");
    drawn += text(14, 52,
                  fmt::format("{}; {}; one thread", result["machine"].get<std::string>(),
                              result["date"].get<std::string>()));
    drawn += legend() + axis(decades, bottom);
    for (std::size_t k = 0; k < kernels.size(); ++k) {
        const double y = top + line * (static_cast<double>(k) + 0.5);
        drawn += text(left - 14, y + 4, kernels[k].name, "text-anchor=\"end\" font-size=\"11\"");
        drawn += fmt::format(
            "<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#eeeeee\"/>\n", left,
            right, y, y);
        for (const auto& [schedule, over] : kernels[k].times) {
            const double place = std::clamp(std::log10(over) / decades, -0.02, 1.0);
            drawn += mark(schedule, left + (right - left) * place, y) + "\n";
        }
        if (!kernels[k].failed.empty())
            drawn += text(right + 12, y + 4, "failed: " + kernels[k].failed, "font-size=\"10\"");
    }
    return drawn + "</svg>\n";
}

}  // namespace siamc::compiler
