// What eval_NAME prints for people. 95 % intervals stand in brackets.
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
    const char* name = protocol == "retrieval"  ? "nearest is right"
                       : protocol == "open_set" ? "identified"
                                                : "accuracy";
    print_row(name, fmt::format("{} ({:.2f} to {:.2f}, 95 %){}", percent(result["accuracy"]),
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

std::string with_interval(const std::string& value, const Json& ci95, double scale) {
    return fmt::format("{} ({:.3g} to {:.3g})", value, scale * ci95[0].get<double>(),
                       scale * ci95[1].get<double>());
}

void print_pairs(const Json& result) {
    const Json& ci95 = result["by_image_ci95"];
    const auto fitted = [&](const char* name, const char* key, const char* threshold) {
        print_row(name, fmt::format("{} at threshold {} (chosen on these images)",
                                    with_interval(percent(result[key]), ci95[key], 100),
                                    digits(result[threshold])));
    };
    print_row("area under ROC", with_interval(digits(result["roc_auc"]), ci95["roc_auc"], 1));
    fitted("equal error rate", "equal_error_rate", "equal_error_threshold");
    fitted("accepted, 1 % false", "tar_at_far_0.01", "threshold_at_far_0.01");
    fitted("accepted, 0.1 % false", "tar_at_far_0.001", "threshold_at_far_0.001");
    print_row("best accuracy", fmt::format("{} at threshold {} (chosen on these images)",
                                           percent(result["accuracy_at_best_threshold"]),
                                           digits(result["best_threshold"])));
}

void print_retrieval(const Json& result) {
    print_row("one among 5, 10", fmt::format("{}, {}", percent(result["recall_at_5"]),
                                             percent(result["recall_at_10"])));
    print_row("R-precision", percent(result["r_precision"]));
    print_row("MAP@R",
              fmt::format("{}; by pixels {}",
                          with_interval(percent(result["map_at_r"]), result["map_at_r_ci95"], 100),
                          percent(result["pixel_map_at_r"])));
}

void print_open_set(const Json& result) {
    print_row("episodes", fmt::format("{}, {} known classes of {} shots, {} strangers",
                                      result["episodes"].get<long>(), result["ways"].get<int>(),
                                      result["shots"].get<int>(), result["strangers"].get<long>()));
    print_row("false alarms", fmt::format("{} (threshold chosen on these images)",
                                          percent(result["false_alarms"])));
    print_row("nearest is right",
              fmt::format("{}, known or not; by pixels {}", percent(result["rank1"]),
                          percent(result["pixel_rank1"])));
    const Json& calibrated = result["at_calibrated"];
    if (calibrated.is_null()) return;
    print_row(
        "calibrated",
        fmt::format("{} identified, {} false alarms (promised: {}) at {}",
                    percent(calibrated["identified"]), percent(calibrated["false_alarms"]),
                    percent(calibrated["false_alarms_promised"]), digits(calibrated["threshold"])));
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
    if (protocol == "retrieval") print_retrieval(result);
    if (protocol == "open_set") print_open_set(result);
    if (protocol == "oneshot")
        print_row("episodes", fmt::format("{}, {} ways, {} shots", result["episodes"].get<long>(),
                                          result["ways"].get<int>(), result["shots"].get<int>()));
    if (protocol == "omniglot") print_row("runs", fmt::format("{}", result["runs"].get<long>()));
    if (result.contains("chance")) print_baselines(result);
    if (result.contains("set")) print_row("set", result["set"]);
}

}  // namespace siamc
