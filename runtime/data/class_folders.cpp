#include "data/class_folders.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/folders.h"
#include "data/formats.h"
#include "data/picture.h"
#include "data/picture_files.h"

namespace siamc {
namespace {

constexpr std::string_view train_names[] = {"train", "training"};
constexpr std::string_view test_names[] = {"test", "testing"};
constexpr std::string_view validation_names[] = {"val", "valid", "validation"};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view first_part(std::string_view path) {
    return path.substr(0, path.find('/'));
}

// Of the folders that a picture lies in.
std::string_view class_name(std::string_view path) {
    const std::size_t end = path.rfind('/');
    return end == std::string_view::npos ? std::string_view() : path.substr(0, end);
}

// Characters of the folders around everything, "/" included.
std::size_t common_folders(const std::vector<std::string>& names) {
    std::size_t passed = 0;
    while (!names.empty()) {
        const std::string_view folder = first_part(std::string_view(names[0]).substr(passed));
        const bool around = std::all_of(names.begin(), names.end(), [&](std::string_view name) {
            name.remove_prefix(passed);
            return first_part(name) == folder && class_name(name).size() > folder.size();
        });
        if (!around || is_one_of(folder, train_names) || is_one_of(folder, test_names)) break;
        passed += folder.size() + 1;
    }
    return passed;
}

// A picture by its number among the files, and its class.
struct Found {
    std::size_t number;
    std::string_view class_name;
};

struct Parts {
    std::vector<Found> train, test;
};

class ClassFolders {
  public:
    ClassFolders(const std::filesystem::path& data, const DataRequest& request)
        : request_(request),
          files_(open_picture_files(data, has_picture_name)),
          data_(data.string()) {
        if (files_->names().empty())
            fail(Exit::missing_input, "{}: holds no pictures: check the path of the data set",
                 data_);
        find_parts();
        number_classes();
    }

    ImageSet read(bool test) {
        const std::vector<Found>& part = test ? parts_.test : parts_.train;
        if (part.empty())
            fail(Exit::missing_input, "{}: there is no folder {}: check the folder{}", data_,
                 test ? "test" : "train", advice_without(test, request_));
        const auto [height, width, channels] = request_.size;
        ImageSet set{height, width, {}, {}, channels, names_};
        set.labels.reserve(part.size());
        set.pixels.reserve(part.size() * set.image_bytes());
        for (const Found& found : part) {
            const Picture picture = decode_picture(files_->read(found.number), channels,
                                                   files_->describe(found.number));
            const std::vector<std::uint8_t> pixels =
                resize(picture, height, width, request_.resize);
            set.pixels.insert(set.pixels.end(), pixels.begin(), pixels.end());
            set.labels.push_back(labels_.at(found.class_name));
        }
        return set;
    }

  private:
    void find_parts() {
        const std::vector<std::string>& names = files_->names();
        const std::size_t around = common_folders(names);
        const auto in = [&](std::span<const std::string_view> folders) {
            return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
                return is_one_of(first_part(name.substr(around)), folders);
            });
        };
        const bool has_train = in(train_names), has_test = in(test_names);
        for (std::size_t i = 0; i < names.size(); ++i) {
            std::string_view name = std::string_view(names[i]).substr(around);
            bool test = false;
            if (has_train) {
                const std::string_view part = first_part(name);
                const bool validates = is_one_of(part, validation_names);
                test = is_one_of(part, test_names) || (validates && !has_test);
                if (validates && has_test) continue;
                if (!test && !is_one_of(part, train_names))
                    fail(Exit::bad_data,
                         "{}: lies in no folder train or test, and others do: move it",
                         files_->describe(i));
                name.remove_prefix(part.size() + 1);
            }
            const std::string_view folder = class_name(name);
            if (folder.empty())
                fail(Exit::bad_data,
                     "{}: lies in no class folder: put the pictures of each class into a folder of "
                     "their own",
                     files_->describe(i));
            (test ? parts_.test : parts_.train).push_back({i, folder});
        }
    }

    void number_classes() {
        std::set<std::string_view> names;
        for (const std::vector<Found>* part : {&parts_.train, &parts_.test})
            for (const Found& found : *part) names.insert(found.class_name);
        const bool numbers = std::all_of(names.begin(), names.end(), [](std::string_view name) {
            return whole_number(name).has_value();
        });
        for (const std::string_view name : names) {
            labels_[name] = numbers ? *whole_number(name) : static_cast<int>(labels_.size());
            if (!numbers) names_.emplace_back(name);
        }
    }

    // As people number classes: "7", "007" too, and up to nine digits.
    static std::optional<int> whole_number(std::string_view text) {
        int number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        const bool whole = error == std::errc() && end == text.data() + text.size();
        return whole && text.size() <= 9 && number >= 0 ? std::optional(number) : std::nullopt;
    }

    const DataRequest& request_;
    std::unique_ptr<PictureFiles> files_;
    std::string data_;
    Parts parts_;
    std::map<std::string_view, int> labels_;
    std::vector<std::string> names_;
};

}  // namespace

std::vector<std::string_view> class_names(const std::vector<std::string>& names) {
    const std::size_t around = common_folders(names);
    std::vector<std::string_view> classes;
    for (const std::string& name : names)
        classes.push_back(class_name(std::string_view(name).substr(around)));
    return classes;
}

Dataset load_class_folders(const std::filesystem::path& data, const DataRequest& request) {
    if (request.transposed)
        fail(Exit::usage,
             "--transpose: pictures are not stored transposed\n  write: --data {} "
             "without it",
             data.string());
    if (request.size.height == 0)
        fail(Exit::usage,
             "{}: pictures are grey or of three colours, and the model reads neither\n  write: a "
             "model with [input] shape = [height, width] or [height, width, 3]",
             data.string());
    ClassFolders folders(data, request);
    Dataset dataset{data.stem().string(), {}, {}};
    if (request.train) dataset.train = folders.read(false);
    if (request.test) dataset.test = folders.read(true);
    return dataset;
}

}  // namespace siamc
