#include "data/omniglot_runs.h"

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>
#include <string_view>

#include "core/error.h"
#include "data/picture_files.h"

namespace siamc {
namespace {

constexpr std::string_view labels_name = "class_labels.txt";

bool is_wanted(std::string_view name) {
    return has_picture_name(name) || name.ends_with(labels_name);
}

class Runs {
  public:
    explicit Runs(const std::filesystem::path& data)
        : data_(data.string()), files_(open_picture_files(data, is_wanted)) {
        for (std::size_t i = 0; i < files_->names().size(); ++i) numbers_[files_->names()[i]] = i;
    }

    std::vector<OmniglotRun> read() {
        std::vector<OmniglotRun> runs;
        for (const auto& [name, number] : numbers_) {
            if (!name.ends_with(labels_name)) continue;
            const std::string folder = name.substr(0, name.size() - labels_name.size());
            runs.push_back(read_run(folder, number));
        }
        if (runs.empty())
            fail(Exit::missing_input,
                 "{}: holds no run*/{}: --protocol omniglot is about Omniglot's published runs\n"
                 "  write: --data all_runs.zip",
                 data_, labels_name);
        return runs;
    }

  private:
    // `folder` ends with "/", or is empty.
    OmniglotRun read_run(const std::string& folder, std::size_t labels) {
        const std::size_t last = folder.empty() ? 0 : folder.size() - 1;
        const std::size_t start = folder.rfind('/', last == 0 ? 0 : last - 1);
        const std::size_t name_start = start == std::string::npos ? 0 : start + 1;
        const std::string around = folder.substr(0, name_start);
        OmniglotRun run{folder.substr(name_start, last - name_start), {}, {}, {}};
        const std::vector<std::uint8_t> bytes = files_->read(labels);
        std::istringstream lines(std::string(bytes.begin(), bytes.end()));
        std::map<std::string, int> shown;
        std::string line;
        for (int number = 1; std::getline(lines, line); ++number) {
            std::istringstream words(line);
            std::string asked_about, answer, more;
            if (!(words >> asked_about)) continue;
            if (!(words >> answer) || words >> more)
                fail(Exit::bad_data,
                     "{}:{}: holds no two paths: a line is a test picture and the training picture "
                     "of its class",
                     files_->describe(labels), number);
            if (!shown.contains(answer)) {
                shown[answer] = static_cast<int>(run.shown.size());
                run.shown.push_back(picture(around + answer));
            }
            run.asked.push_back(picture(around + asked_about));
            run.answers.push_back(shown[answer]);
        }
        if (run.shown.size() < 2)
            fail(Exit::bad_data, "{}: names {} classes, and one is found among two at least",
                 files_->describe(labels), run.shown.size());
        return run;
    }

    Picture picture(const std::string& name) {
        const auto found = numbers_.find(name);
        if (found == numbers_.end())
            fail(Exit::missing_input, "{}: there is no {}: fetch or unpack the runs again", data_,
                 name);
        return decode_picture(files_->read(found->second), 1, files_->describe(found->second));
    }

    std::string data_;
    std::unique_ptr<PictureFiles> files_;
    std::map<std::string, std::size_t> numbers_;
};

}  // namespace

std::vector<OmniglotRun> load_omniglot_runs(const std::filesystem::path& data) {
    return Runs(data).read();
}

}  // namespace siamc
