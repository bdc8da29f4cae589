#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "html/html.h"
#include "report/chart.h"
#include "report/parts.h"
#include "report/report.h"

namespace siamc {
namespace {

struct Summary {
    double accuracy = std::numeric_limits<double>::quiet_NaN();  // of the last epoch
    double loss = accuracy, seconds = 0, images_per_second = 0;
    const EpochRow* best = nullptr;  // the first epoch with the highest validation accuracy
};

Summary summarise(const ComparedRun& run) {
    Summary summary;
    for (const EpochRow& row : run.epochs) {
        summary.seconds += row.seconds;
        summary.images_per_second += row.images_per_second / static_cast<double>(run.epochs.size());
        if (std::isfinite(row.val_accuracy) &&
            (!summary.best || row.val_accuracy > summary.best->val_accuracy))
            summary.best = &row;
    }
    if (!run.epochs.empty()) {
        summary.accuracy = run.epochs.back().val_accuracy;
        summary.loss = run.epochs.back().val_loss;
    }
    return summary;
}

Table comparison_table(const std::vector<ComparedRun>& runs) {
    Table table{
        "Results", {"run", "validation accuracy", "highest (in epoch)", "validation loss"}, {}};
    double highest = -1;
    for (const ComparedRun& run : runs) highest = std::fmax(highest, summarise(run).accuracy);
    if (!runs.empty()) {
        for (const auto& [name, value] : runs.front().facts) table.columns.push_back(name);
    }
    table.columns.insert(table.columns.end(), {"seconds", "images/s"});
    for (const ComparedRun& run : runs) {
        const Summary summary = summarise(run);
        const std::string best =
            summary.best ? fmt::format("{} ({})", percent_text(summary.best->val_accuracy),
                                       summary.best->epoch)
                         : "none";
        std::vector<Cell> row = {{run.name},
                                 {percent_text(summary.accuracy), summary.accuracy == highest},
                                 {best},
                                 {fmt::format("{:.5f}", summary.loss)}};
        for (const auto& [name, value] : run.facts) row.push_back({value});
        row.push_back({fmt::format("{:.1f}", summary.seconds)});
        row.push_back({grouped(summary.images_per_second)});
        table.rows.push_back(std::move(row));
    }
    return table;
}

std::string render_curves(const std::vector<ComparedRun>& runs) {
    LineChart loss{"Validation loss", "mean loss", false, {}};
    LineChart accuracy{"Validation accuracy", "%", true, {}};
    for (const ComparedRun& run : runs) {
        loss.series.push_back({run.name, column(run.epochs, &EpochRow::val_loss)});
        accuracy.series.push_back({run.name, percent_column(run.epochs, &EpochRow::val_accuracy)});
    }
    return "<div class=\"charts\">\n" + render_line_chart(accuracy) + render_line_chart(loss) +
           "</div>\n";
}

}  // namespace

std::string render_comparison(const ComparisonInput& input) {
    Page page(input.title, input.subtitle, report_style);
    page.add_tiles(input.tiles);
    page.add_section("Runs compared",
                     "Accuracy: " + input.accuracy_rule +
                         ". Validation accuracy and loss are those of the last epoch.",
                     render_curves(input.runs) + render_table(comparison_table(input.runs)));
    add_settings(page, input.settings);
    return page.html();
}

}  // namespace siamc
