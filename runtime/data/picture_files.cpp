#include "data/picture_files.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <limits>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "core/wording.h"
#include "data/picture.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_file = 1 << 28;

bool is_hidden(const std::string& name) {
    return name.starts_with('.') || name == "__MACOSX";
}

bool has_hidden_part(const std::string& name) {
    std::size_t start = 0;
    while (true) {
        const std::size_t end = name.find('/', start);
        if (is_hidden(name.substr(start, end - start))) return true;
        if (end == std::string::npos) return false;
        start = end + 1;
    }
}

using Wanted = bool (*)(std::string_view name);

// Calls visit(path) for each file that is wanted, up to so many folders down, until it returns
// false. Folders are walked once: links to folders are not followed.
template <typename Visit>
void visit_files(const fs::path& folder, int depth, Wanted wanted, std::error_code& error,
                 const Visit& visit) {
    fs::recursive_directory_iterator at(folder, error), end;
    for (; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        std::error_code gone;
        if (at->is_directory(gone)) {
            if (is_hidden(name) || at.depth() >= depth) at.disable_recursion_pending();
        } else if (!is_hidden(name) && wanted(name) && !visit(at->path())) {
            return;
        }
    }
}

class FolderOfPictures : public PictureFiles {
  public:
    FolderOfPictures(fs::path folder, Wanted wanted) : folder_(std::move(folder)) {
        std::error_code error;
        visit_files(folder_, std::numeric_limits<int>::max(), wanted, error,
                    [&](const fs::path& path) {
                        names_.push_back(path.lexically_relative(folder_).generic_string());
                        return true;
                    });
        if (error)
            fail(Exit::missing_input, "{}: cannot be read ({})", folder_.string(), error.message());
        std::sort(names_.begin(), names_.end());
    }

    std::vector<std::uint8_t> read(std::size_t number) override {
        const std::string bytes = read_file(folder_ / names_[number], largest_file);
        return {bytes.begin(), bytes.end()};
    }

    std::string describe(std::size_t number) const override {
        return (folder_ / names_[number]).string();
    }

  private:
    fs::path folder_;
};

class ZipOfPictures : public PictureFiles {
  public:
    ZipOfPictures(const fs::path& path, Wanted wanted) : path_(path.string()) {
        open_input(path);  // refuses what is no regular file
        int code = 0;
        archive_ = zip_open(path_.c_str(), ZIP_RDONLY, &code);
        if (!archive_) {
            zip_error_t error;
            zip_error_init_with_code(&error, code);
            const std::string why = zip_error_strerror(&error);
            zip_error_fini(&error);
            fail(Exit::bad_data, "{}: is no zip that can be read ({}): pack or copy it again",
                 path_, why);
        }
        std::vector<std::pair<std::string, zip_uint64_t>> found;
        const zip_int64_t entries = zip_get_num_entries(archive_, 0);
        for (zip_int64_t i = 0; i < entries; ++i) {
            const char* name = zip_get_name(archive_, static_cast<zip_uint64_t>(i), 0);
            if (name && wanted(name) && !has_hidden_part(name))
                found.emplace_back(name, static_cast<zip_uint64_t>(i));
        }
        std::sort(found.begin(), found.end());
        for (auto& [name, index] : found) {
            names_.push_back(std::move(name));
            indices_.push_back(index);
        }
    }
    ~ZipOfPictures() override { zip_discard(archive_); }
    ZipOfPictures(const ZipOfPictures&) = delete;
    ZipOfPictures& operator=(const ZipOfPictures&) = delete;

    std::vector<std::uint8_t> read(std::size_t number) override {
        zip_stat_t about;
        if (zip_stat_index(archive_, indices_[number], 0, &about) != 0)
            fail_entry(number, zip_strerror(archive_));
        if (about.size > largest_file) fail_entry(number, "it is over 256 MiB");
        const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(
            zip_fopen_index(archive_, indices_[number], 0), zip_fclose);
        if (!file) fail_entry(number, zip_strerror(archive_));
        std::vector<std::uint8_t> bytes(about.size);
        std::uint8_t more;
        // The checksum is compared where the data end.
        if (zip_fread(file.get(), bytes.data(), bytes.size()) !=
                static_cast<zip_int64_t>(bytes.size()) ||
            zip_fread(file.get(), &more, 1) != 0)
            fail_entry(number, zip_error_strerror(zip_file_get_error(file.get())));
        return bytes;
    }

    std::string describe(std::size_t number) const override {
        return path_ + ": " + names_[number];
    }

  private:
    [[noreturn]] void fail_entry(std::size_t number, const std::string& why) const {
        fail(Exit::bad_data, "{}: cannot be unpacked ({}): pack the zip again", describe(number),
             why);
    }

    std::string path_;
    zip_t* archive_ = nullptr;
    std::vector<zip_uint64_t> indices_;
};

bool is_zip(const fs::path& data) {
    std::error_code unreadable;  // counts as absent
    return lower(data.extension().string()) == ".zip" && fs::exists(data, unreadable) &&
           !fs::is_directory(data, unreadable);
}

}  // namespace

bool has_picture_files(const fs::path& data) {
    if (is_zip(data)) return true;
    std::error_code error;
    bool found = false;
    if (fs::is_directory(data, error))
        visit_files(data, picture_depth, has_picture_name, error, [&](const fs::path&) {
            found = true;
            return false;
        });
    return found;
}

std::unique_ptr<PictureFiles> open_picture_files(const fs::path& data, Wanted wanted) {
    if (is_zip(data)) return std::make_unique<ZipOfPictures>(data, wanted);
    return std::make_unique<FolderOfPictures>(data, wanted);
}

}  // namespace siamc
