// Commands of gallery_NAME that ask whom or what an image shows.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "apps/command_line.h"
#include "apps/gallery_commands.h"
#include "apps/picture_embedder.h"
#include "apps/trained_run.h"
#include "cli/output.h"
#include "core/error.h"
#include "core/tell.h"
#include "data/picture.h"
#include "gallery/recognizer.h"

namespace siamc {
namespace {

using Json = nlohmann::ordered_json;

// What is said of a threshold that no calibration gave.
Threshold warned(const Threshold& threshold) {
    if (threshold.from == "usual")
        tell(
            "the run is not calibrated: the threshold is {:g}, whatever its distances are\n  "
            "write: "
            "--threshold, or train with --split class:0.2\n",
            threshold.value);
    return threshold;
}

// Of an image and all of a gallery.
struct Decision {
    Threshold threshold;
    std::optional<double> false_alarms = {};  // of strangers, where a calibration tells
};

Decision decide_among(const TrainedRun& run, const cli::Values& values, long comparisons) {
    const Threshold threshold = warned(threshold_of(run, values));
    if (threshold.from != "calibration") return {threshold};
    const double wanted = values.real("false-alarms");
    const AlarmThreshold alarm = alarm_threshold(*run.calibration, wanted, comparisons);
    if (alarm.far > wanted)
        tell(
            "calibrated on {} pairs of different classes: with {} comparisons up to {:.2g} % of "
            "strangers may be taken for someone, not {:g} %\n",
            run.calibration->accepted.n, comparisons, 100 * alarm.far, 100 * wanted);
    return {{alarm.threshold, threshold.from}, alarm.far};
}

Match match_of(const cli::Values& values) {
    return values.text("match") == "templates" ? Match::templates : Match::prototypes;
}

// Answers images one by one, from a gallery that others may be changing.
class Identifier {
  public:
    explicit Identifier(const cli::Values& values)
        : values_(values),
          run_(open_trained(values)),
          embedder_(run_),
          gallery_(values.text("gallery"), Access::read) {
        load();
    }

    Json settings() const {
        Json object = {{"threshold", decision_.threshold.value},
                       {"threshold_from", decision_.threshold.from}};
        object["false_alarms"] =
            decision_.false_alarms ? Json(*decision_.false_alarms) : Json(nullptr);
        object["identities"] = recognizer_->names().size();
        object["comparisons"] = recognizer_->comparisons();
        return object;
    }

    void identify(const NamedPicture& picture) {
        refresh();
        embedder_.add(picture.bytes, picture.source);
        answer(picture.source, embedder_.take());
    }
    // Rows of embeddings.
    void identify(const std::string& file) {
        const auto size = static_cast<std::size_t>(run_.model.embedding_size());
        const std::vector<float> rows = read_embeddings(file, run_.model.embedding_size());
        for (std::size_t begin = 0; begin < rows.size(); begin += size)
            answer(fmt::format("{}[{}]", file, begin / size), std::span(rows).subspan(begin, size));
    }
    // An image that cannot be read; the others are answered nevertheless.
    void complain(const std::string& path, const Error& error) {
        failed_ = static_cast<int>(error.code());
        if (values_.flag("lines"))
            emit({{"image", path}, {"error", error.what()}});
        else
            tell("{}\n", error.what());
    }

    const Json& results() const { return results_; }
    int failed() const { return failed_; }

  private:
    // Others may have moved it to another model.
    void load() {
        version_ = gallery_.version();
        gallery_.check(fingerprint_of(run_), values_.text("run"));
        recognizer_.emplace(run_.model, run_.parameters, gallery_.templates(), match_of(values_));
        decision_ = decide_among(run_, values_, recognizer_->comparisons());
    }
    void refresh() {
        if (gallery_.version() != version_) load();
    }
    void answer(const std::string& image, std::span<const float> embedding) {
        const Recognition found = recognizer_->recognize(embedding);
        const std::vector<std::string>& names = recognizer_->names();
        const auto name = [&](std::int32_t who) {
            return Json(names[static_cast<std::size_t>(who)]);
        };
        const bool someone = found.identity >= 0;
        const bool known = someone && found.distance < decision_.threshold.value;
        emit({{"image", image},
              {"identity", known ? name(found.identity) : Json(nullptr)},
              {"known", known},
              {"nearest", someone ? name(found.identity) : Json(nullptr)},
              {"distance", someone ? Json(found.distance) : Json(nullptr)},
              {"second", found.second >= 0 ? name(found.second) : Json(nullptr)},
              {"margin", found.second >= 0 ? Json(found.margin()) : Json(nullptr)},
              {"threshold", decision_.threshold.value}});
    }
    void emit(const Json& result) {
        if (values_.flag("json"))
            results_.push_back(result);
        else if (values_.flag("lines"))
            print_json(result);
        else
            print("{}\n", in_words(result));
        if (!values_.flag("json")) flush_output();
    }
    std::string in_words(const Json& result) const {
        const std::string image = result["image"];
        if (result["nearest"].is_null()) return image + ": unknown (nobody is in the gallery)";
        const double distance = result["distance"];
        if (!result["known"].get<bool>())
            return fmt::format("{}: unknown (nearest {} at {:.4g}, threshold {:.4g})", image,
                               result["nearest"].get<std::string>(), distance,
                               decision_.threshold.value);
        std::string text =
            fmt::format("{}: {} (at {:.4g}, threshold {:.4g}", image,
                        result["identity"].get<std::string>(), distance, decision_.threshold.value);
        if (!result["second"].is_null())
            text += fmt::format("; {:.4g} nearer than {}", result["margin"].get<double>(),
                                result["second"].get<std::string>());
        return text + ")";
    }

    const cli::Values& values_;
    TrainedRun run_;
    PictureEmbedder embedder_;
    Gallery gallery_;
    std::optional<Recognizer> recognizer_;
    Decision decision_;
    std::int64_t version_ = 0;
    Json results_ = Json::array();
    int failed_ = 0;
};

// The pictures of a path; a single one is called as it was typed.
void identify_pictures(Identifier& identifier, const std::string& path) {
    for_each_picture(path, [&](const NamedPicture& picture) {
        const std::string& name = has_picture_name(path) ? path : picture.source;
        identifier.identify({name, "", picture.bytes});
    });
}

// Pictures whose paths come line by line, answered as they come.
void identify_lines(Identifier& identifier) {
    for (std::string path; std::getline(std::cin, path);) {
        if (path.empty()) continue;
        try {
            identify_pictures(identifier, path);
        } catch (const Error& error) {
            identifier.complain(path, error);
        }
    }
}

// The one picture of a path, embedded.
std::vector<float> embed_one(TrainedRun& run, const std::string& path) {
    const auto size = static_cast<std::size_t>(run.model.embedding_size());
    PictureEmbedder embedder(run);
    for_each_picture(
        path, [&](const NamedPicture& picture) { embedder.add(picture.bytes, picture.source); });
    std::vector<float> embeddings = embedder.take();
    if (embeddings.size() != size)
        fail(Exit::usage, "{}: holds {} pictures, and one is compared", path,
             embeddings.size() / size);
    return embeddings;
}

int answer_pair(const TrainedRun& run, const cli::Values& values, double distance) {
    const Threshold threshold = warned(threshold_of(run, values));
    const bool same = distance < threshold.value;
    if (values.flag("json")) {
        print_json({{"same", same},
                    {"distance", distance},
                    {"threshold", threshold.value},
                    {"threshold_from", threshold.from}});
    } else {
        print("{} (distance {:.4g}, threshold {:.4g})\n", same ? "same" : "different", distance,
              threshold.value);
    }
    return same ? exit_same : exit_different;
}

}  // namespace

int gallery_identify(const cli::Values& values) {
    Identifier identifier(values);
    const std::string& path = values.text("PATH");
    if (path == "-")
        identify_lines(identifier);
    else if (is_embeddings(path))
        identifier.identify(path);
    else
        identify_pictures(identifier, path);
    if (values.flag("json")) {
        Json object = identifier.settings();
        object["results"] = identifier.results();
        print_json(object);
    }
    return identifier.failed();
}

int gallery_verify(const cli::Values& values) {
    TrainedRun run = open_trained(values);
    const Gallery gallery(values.text("gallery"), Access::read);
    gallery.check(fingerprint_of(run), values.text("run"));
    Recognizer recognizer(run.model, run.parameters, gallery.templates(), match_of(values));
    const auto& names = recognizer.names();
    const auto who = std::find(names.begin(), names.end(), values.text("name"));
    if (who == names.end()) gallery.fail_no_identity(values.text("name"));
    const std::vector<float> embedding = embed_one(run, values.text("PATH"));
    return answer_pair(
        run, values,
        recognizer.distance(embedding, static_cast<std::int32_t>(who - names.begin())));
}

int gallery_compare(const cli::Values& values) {
    TrainedRun run = open_trained(values);
    std::vector<float> both = embed_one(run, values.text("A"));
    const std::vector<float> second = embed_one(run, values.text("B"));
    both.insert(both.end(), second.begin(), second.end());
    const std::int32_t pair[] = {0, 1};
    const double distance = run.model.distances(run.parameters, both, pair)[0];
    return answer_pair(run, values, distance);
}

}  // namespace siamc
