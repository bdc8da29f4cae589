#include "data/labelled_pictures.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "core/error.h"
#include "data/formats.h"
#include "data/picture.h"

namespace siamc {
namespace {

// As people number classes: "7", "007" too, and up to nine digits.
std::optional<int> whole_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && text.size() <= 9 && number >= 0 ? std::optional(number) : std::nullopt;
}

struct ClassNumbers {
    std::map<std::string, int> labels;
    std::vector<std::string> names;  // none where they are the labels
};

ClassNumbers number_classes(const LabelledParts& parts) {
    std::set<std::string> names;
    for (const std::vector<LabelledPicture>* part : {&parts.train, &parts.test})
        for (const LabelledPicture& picture : *part) names.insert(picture.class_name);
    const bool numbers = std::all_of(names.begin(), names.end(), [](const std::string& name) {
        return whole_number(name).has_value();
    });
    ClassNumbers classes;
    for (const std::string& name : names) {
        classes.labels[name] =
            numbers ? *whole_number(name) : static_cast<int>(classes.labels.size());
        if (!numbers) classes.names.push_back(name);
    }
    return classes;
}

ImageSet read_part(PictureFiles& files, const std::vector<LabelledPicture>& part,
                   const ClassNumbers& classes, const DataRequest& request) {
    const auto [height, width, channels] = request.size;
    ImageSet set{height, width, {}, {}, channels, classes.names};
    set.labels.reserve(part.size());
    set.pixels.reserve(part.size() * set.image_bytes());
    for (const LabelledPicture& labelled : part) {
        const Picture picture =
            decode_picture(files.read(labelled.number), channels, files.describe(labelled.number));
        const std::vector<std::uint8_t> pixels = resize(picture, height, width, request.resize);
        set.pixels.insert(set.pixels.end(), pixels.begin(), pixels.end());
        set.labels.push_back(classes.labels.at(labelled.class_name));
    }
    return set;
}

}  // namespace

void check_reads_pictures(const std::string& data, const DataRequest& request) {
    if (request.transposed)
        fail(Exit::usage,
             "--transpose: pictures are not stored transposed\n  write: --data {} without it",
             data);
    if (request.size.height == 0)
        fail(Exit::usage,
             "{}: pictures are grey or of three colours, and the model reads neither\n  write: a "
             "model with [input] shape = [height, width] or [height, width, 3]",
             data);
}

Dataset read_labelled(PictureFiles& files, const LabelledParts& parts,
                      const std::filesystem::path& data, const DataRequest& request) {
    const ClassNumbers classes = number_classes(parts);
    Dataset dataset{data.stem().string(), {}, {}};
    for (const bool test : {false, true}) {
        if (test ? !request.test : !request.train) continue;
        const std::vector<LabelledPicture>& part = test ? parts.test : parts.train;
        if (part.empty())
            fail(Exit::missing_input, "{}: there is no part {}: check the path{}", data.string(),
                 test ? "test" : "train", advice_without(test, request));
        (test ? dataset.test : dataset.train) = read_part(files, part, classes, request);
    }
    return dataset;
}

}  // namespace siamc
