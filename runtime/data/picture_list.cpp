#include "data/picture_list.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/wording.h"
#include "data/labelled_pictures.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_list_bytes = std::size_t{1} << 30;
constexpr std::size_t most_listed_picture = std::size_t{1} << 28;

using Fields = std::vector<std::string>;

// The fields of a line, without its end; none if a quote is left open or stands within a field.
std::optional<Fields> split_fields(const std::string& line) {
    Fields fields(1);
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line[at] == ',') {
            fields.emplace_back();
        } else if (line[at] != '"') {
            fields.back() += line[at];
        } else {
            if (!fields.back().empty()) return {};
            while (true) {
                if (++at >= line.size()) return {};
                if (line[at] == '"' && (at + 1 >= line.size() || line[at + 1] != '"')) break;
                at += line[at] == '"';
                fields.back() += line[at];
            }
            if (at + 1 < line.size() && line[at + 1] != ',') return {};
        }
    }
    return fields;
}

class ListedFiles : public PictureFiles {
  public:
    explicit ListedFiles(fs::path folder) : folder_(std::move(folder)) {}

    std::size_t add(const std::string& name) {
        names_.push_back(name);
        return names_.size() - 1;
    }
    std::vector<std::uint8_t> read(std::size_t number) override {
        const std::string bytes = read_file(folder_ / names_[number], most_listed_picture);
        return {bytes.begin(), bytes.end()};
    }
    std::string describe(std::size_t number) const override {
        return (folder_ / names_[number]).string();
    }

  private:
    fs::path folder_;
};

class ListReader {
  public:
    explicit ListReader(const fs::path& list) : list_(list), files_(list.parent_path()) {
        const std::string text = read_file(list, most_list_bytes);
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = std::min(text.find('\n', begin), text.size());
            ++line_;
            std::string line = text.substr(begin, end - begin);
            if (line.ends_with('\r')) line.pop_back();
            if (!line.empty()) read_line(line);
            begin = end + 1;
        }
    }

    ListedFiles& files() { return files_; }
    const LabelledParts& parts() const { return parts_; }

  private:
    [[noreturn]] void fail_line(const std::string& what) const {
        fail(Exit::bad_data, "{}:{}: {}\n  write: path,label or path,label,test", list_.string(),
             line_, what);
    }

    void read_line(const std::string& line) {
        const std::optional<Fields> fields = split_fields(line);
        if (!fields) fail_line("a quote is not where a field begins or ends");
        if (fields->size() < 2 || fields->size() > 3)
            fail_line(fmt::format("has {} fields, not two or three", fields->size()));
        const std::string &path = (*fields)[0], &label = (*fields)[1];
        const std::string part = fields->size() == 3 ? (*fields)[2] : "train";
        if (line_ == 1 && lower(path) == "path" && lower(label) == "label") return;
        if (path.empty() || label.empty()) fail_line("the path or the label is empty");
        if (part != "train" && part != "test")
            fail_line(fmt::format("{} is neither train nor test", in_quotes(part)));
        (part == "test" ? parts_.test : parts_.train).push_back({files_.add(path), label});
    }

    fs::path list_;
    long line_ = 0;
    ListedFiles files_;
    LabelledParts parts_;
};

}  // namespace

bool is_picture_list(const fs::path& data) {
    std::error_code unreadable;  // counts as absent
    return lower(data.extension().string()) == ".csv" && fs::is_regular_file(data, unreadable);
}

Dataset load_picture_list(const fs::path& data, const DataRequest& request) {
    check_reads_pictures(data.string(), request);
    ListReader list(data);
    return read_labelled(list.files(), list.parts(), data, request);
}

}  // namespace siamc
