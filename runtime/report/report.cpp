#include "report/report.h"

#include <fmt/format.h>

#include "html/html.h"
#include "report/chart.h"
#include "report/parts.h"

namespace siamc {
namespace {

std::string render_curves(const ReportInput& input) {
    const std::vector<EpochRow>& rows = input.epochs;
    return "<div class=\"charts\">\n" +
           render_line_chart({"Loss",
                              "mean loss",
                              false,
                              {{"training", column(rows, &EpochRow::train_loss)},
                               {"validation", column(rows, &EpochRow::val_loss)}}}) +
           render_line_chart({"Accuracy",
                              "%",
                              true,
                              {{"training", percent_column(rows, &EpochRow::train_accuracy)},
                               {"validation", percent_column(rows, &EpochRow::val_accuracy)}}}) +
           "</div>\n";
}

std::string render_distances(const ReportInput& input) {
    std::string html = "<div class=\"charts\">\n";
    if (!input.same_distances.empty() || !input.different_distances.empty()) {
        html += render_histogram({"Distances after training", input.same_distances,
                                  input.different_distances, input.threshold});
    }
    if (!input.epochs.empty()) {
        html += render_line_chart(
            {"Mean distance on validation pairs",
             "distance D",
             false,
             {{"same class", column(input.epochs, &EpochRow::mean_positive_distance)},
              {"different classes", column(input.epochs, &EpochRow::mean_negative_distance)}}});
    }
    return html + "</div>\n";
}

Table epoch_table(const std::vector<EpochRow>& epochs) {
    Table table{"Every epoch",
                {"epoch", "training loss", "training accuracy", "validation loss",
                 "validation accuracy", "learning rate", "seconds", "images/s"},
                {}};
    for (const EpochRow& row : epochs) {
        table.rows.push_back({{fmt::format("{}", row.epoch)},
                              {fmt::format("{:.5f}", row.train_loss)},
                              {percent_text(row.train_accuracy)},
                              {fmt::format("{:.5f}", row.val_loss)},
                              {percent_text(row.val_accuracy)},
                              {fmt::format("{:.3g}", row.learning_rate)},
                              {fmt::format("{:.2f}", row.seconds)},
                              {grouped(row.images_per_second)}});
    }
    return table;
}

}  // namespace

std::string render_report(const ReportInput& input) {
    Page page(input.title, input.subtitle, report_style);
    page.add_tiles(input.tiles);
    if (!input.epochs.empty()) {
        page.add_section("Training", "Accuracy: " + input.accuracy_rule + ".",
                         render_curves(input) + render_table(epoch_table(input.epochs)));
    }
    const bool distances = !input.same_distances.empty() || !input.different_distances.empty();
    if (distances || !input.epochs.empty()) {
        page.add_section("Distances", "Pairs of one class should be close, others far apart.",
                         render_distances(input));
    }
    if (!input.predictions.empty()) {
        page.add_section("Predictions beside the truth",
                         fmt::format("Predicted the same where D < {:.4g}.", input.threshold),
                         render_predictions(input.predictions, input.threshold));
    }
    if (!input.samples.empty()) {
        page.add_section("Sample pairs", "As the network is shown them, with their labels.",
                         render_samples(input.samples));
    }
    add_settings(page, input.settings);
    return page.html();
}

}  // namespace siamc
