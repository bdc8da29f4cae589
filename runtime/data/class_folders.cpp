#include "data/class_folders.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "data/labelled_pictures.h"
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

// Where all pictures are, by the folders that they lie in.
class ClassFolders {
  public:
    ClassFolders(const std::filesystem::path& data)
        : files_(open_picture_files(data, has_picture_name)), data_(data.string()) {
        if (files_->names().empty())
            fail(Exit::missing_input, "{}: holds no pictures: check the path of the data set",
                 data_);
        find_parts();
    }

    PictureFiles& files() { return *files_; }
    const LabelledParts& parts() const { return parts_; }

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
            (test ? parts_.test : parts_.train).push_back({i, std::string(folder)});
        }
    }

    std::unique_ptr<PictureFiles> files_;
    std::string data_;
    LabelledParts parts_;
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
    check_reads_pictures(data.string(), request);
    ClassFolders folders(data);
    return read_labelled(folders.files(), folders.parts(), data, request);
}

}  // namespace siamc
