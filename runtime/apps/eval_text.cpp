// What eval_NAME prints for people.
#include <fmt/format.h>

#include "apps/eval_protocols.h"
#include "cli/output.h"

namespace siamc {
namespace {

using Json = nlohmann::ordered_json;

std::string percent(const Json& share) {
    return fmt::format("{:.2f} %", 100 * share.get<double>());
}

std::string digits(const Json& number) {
    return number.is_null() ? "none" : fmt::format("{:.4g}", number.get<double>());
}

void print_row(const char* name, const std::string& text) {
    print("{:<24}{}\n", name, text);
}

// A rate with the threshold that gives it, which was chosen on the images it is quoted on.
void print_fitted(const char* name, const Json& rate, const Json& threshold) {
    print_row(name, fmt::format("{} at threshold {} (chosen on these images)", percent(rate),
                                digits(threshold)));
}

// Accuracy and how much was asked.
void print_accuracy(const Json& result) {
    const std::string protocol = result["protocol"];
    std::string at;
    if (!result["threshold"].is_null()) {
        at = " at threshold " + digits(result["threshold"]);
        const std::string from = result.value("threshold_from", "");
        if (from == "calibration") at += ", calibrated";
        if (from == "usual") at += ", not calibrated";
    }
    print_row("accuracy", fmt::format("{} ({:.2f} to {:.2f}, 95 %){}", percent(result["accuracy"]),
                                      100 * result["ci95"][0].get<double>(),
                                      100 * result["ci95"][1].get<double>(), at));
    print_row(result.contains("chance") ? "queries" : protocol.c_str(),
              fmt::format("{}", result["n"].get<long>()));
    if (result.contains("classes_trained_on"))
        print_row("classes",
                  fmt::format("{}, of which {} were trained on", result["classes"].get<long>(),
                              result["classes_trained_on"].get<long>()));
    if (result.contains("loss") && !result["loss"].is_null())
        print_row("loss", digits(result["loss"]));
}

void print_pairs(const Json& result) {
    print_row("area under ROC", digits(result["roc_auc"]));
    print_fitted("equal error rate", result["equal_error_rate"], result["equal_error_threshold"]);
    print_fitted("accepted, 1 % false", result["tar_at_far_0.01"], result["threshold_at_far_0.01"]);
    print_fitted("best accuracy", result["accuracy_at_best_threshold"], result["best_threshold"]);
}

// What the same queries give without any learning.
void print_baselines(const Json& result) {
    if (result.contains("modified_hausdorff_accuracy"))
        print_row("by modified Hausdorff", percent(result["modified_hausdorff_accuracy"]));
    print_row("by pixels alone", percent(result["pixel_accuracy"]));
    print_row("by chance", percent(result["chance"]));
}

}  // namespace

void print_result(const Json& result) {
    const std::string protocol = result["protocol"];
    if (protocol == "calibrate") {
        print("{}\n", result["describes"].get<std::string>());
        return;
    }
    print_row("protocol", protocol);
    print_accuracy(result);
    if (protocol == "pairs") print_pairs(result);
    if (protocol == "oneshot")
        print_row("episodes", fmt::format("{}, {} ways, {} shots", result["episodes"].get<long>(),
                                          result["ways"].get<int>(), result["shots"].get<int>()));
    if (protocol == "omniglot") print_row("runs", fmt::format("{}", result["runs"].get<long>()));
    if (result.contains("chance")) print_baselines(result);
    if (result.contains("set")) print_row("set", result["set"]);
}

}  // namespace siamc
