#include "training/split_record.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/error.h"
#include "core/files.h"
#include "data/dataset.h"

namespace siamc {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* split_format = "siamc split 1";
constexpr std::size_t most_split_bytes = std::size_t{1} << 26;

std::set<std::string> class_names(const ImageSet& set) {
    std::set<std::string> names;
    for (const int label : std::set<int>(set.labels.begin(), set.labels.end()))
        names.insert(set.class_name(label));
    return names;
}

Json part_of(long images, const std::string& hash, const std::set<std::string>& classes) {
    return {{"images", images}, {"hash", hash}, {"classes", classes}};
}

}  // namespace

bool SplitRecord::unseen_classes() const {
    return std::none_of(validated.begin(), validated.end(),
                        [&](const std::string& name) { return trained.contains(name); });
}

SplitRecord record_of(const Split& sets, const std::string& held_out) {
    return {held_out,
            class_names(sets.train),
            class_names(sets.validation),
            sets.train.size(),
            sets.validation.size(),
            images_hash(sets.train),
            images_hash(sets.validation)};
}

void write_split(const std::filesystem::path& path, const SplitRecord& record) {
    const Json object = {{"format", split_format},
                         {"held_out", record.held_out},
                         {"train", part_of(record.train_images, record.train_hash, record.trained)},
                         {"validation", part_of(record.validation_images, record.validation_hash,
                                                record.validated)}};
    write_file_atomically(path, object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

SplitRecord read_split(const std::filesystem::path& path) {
    const std::string text = read_file(path, most_split_bytes);
    try {
        const Json object = Json::parse(text);
        if (object.at("format") != split_format) throw std::domain_error("another format");
        const Json &train = object.at("train"), &validation = object.at("validation");
        return {object.at("held_out").get<std::string>(),
                train.at("classes").get<std::set<std::string>>(),
                validation.at("classes").get<std::set<std::string>>(),
                train.at("images").get<long>(),
                validation.at("images").get<long>(),
                train.at("hash").get<std::string>(),
                validation.at("hash").get<std::string>()};
    } catch (const std::exception& reason) {
        fail(Exit::bad_data, "{}: does not say what the run was trained on: {}", path.string(),
             reason.what());
    }
}

long count_trained(const SplitRecord& record, const ImageSet& set) {
    long count = 0;
    for (const std::string& name : class_names(set)) count += record.trained.contains(name);
    return count;
}

}  // namespace siamc
