#include "data/mnist_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <system_error>
#include <tuple>
#include <vector>

#include "core/error.h"
#include "core/folders.h"
#include "data/formats.h"
#include "data/idx.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

// What a file's name says.
struct FileName {
    std::string set;  // "emnist-letters"; empty for MNIST's own names
    bool test = false, t10k = false, labels = false, packed = false;
};

struct Spelling {
    fs::path path;
    bool t10k = false;  // not "test"
};

// Of one set. Each list holds spellings of one file, the preferred one first.
struct FileSet {
    std::vector<Spelling> files[2][2];  // [test][labels]
    std::vector<fs::path> folders;      // that bear such a name
};

using FileSets = std::map<std::string, FileSet>;

std::optional<FileName> parse_name(const std::string& name) {
    static const std::regex pattern(
        "(?:(.*)[-._])?(train|(t10k)|test)[-._](?:images[-._]idx3|(labels)[-._]idx1)[-._]ubyte"
        "([.]gz)?",
        std::regex::icase);
    std::smatch parts;
    if (!std::regex_match(name, parts, pattern)) return std::nullopt;
    const bool train = parts[2].length() == 5;
    return FileName{parts[1], !train, parts[3].matched, parts[4].matched, parts[5].matched};
}

// All that bears such a name, in the names' order with packed files last.
FileSets list_files(const fs::path& folder) {
    std::vector<std::pair<FileName, fs::path>> found;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        const fs::path& path = at->path();
        if (const auto name = parse_name(path.filename().string())) found.emplace_back(*name, path);
    }
    if (error) {
        fail(Exit::missing_input, "{}: the folder cannot be listed: {}: check its permissions",
             folder.string(), error.message());
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return std::tie(a.first.packed, a.second) < std::tie(b.first.packed, b.second);
    });
    FileSets sets;
    for (const auto& [name, path] : found) {
        FileSet& set = sets[name.set];
        if (std::error_code unreadable; fs::is_directory(path, unreadable))
            set.folders.push_back(path);
        else
            set.files[name.test][name.labels].push_back({path, name.t10k});
    }
    return sets;
}

bool is_folder(const fs::path& path) {
    std::error_code unreadable;  // counts as absent
    return fs::is_directory(path, unreadable);
}

// Where to look, and for which set; any if none is named.
struct Place {
    fs::path folder;
    std::optional<std::string> set;
};

Place place_of(const fs::path& data) {
    if (is_folder(data) || !data.has_filename()) return {data, std::nullopt};
    return {data.has_parent_path() ? data.parent_path() : fs::path("."), data.filename().string()};
}

[[noreturn]] void fail_ambiguous(const fs::path& folder, const FileSets& sets) {
    std::vector<std::string> names;
    for (const auto& [name, set] : sets) names.push_back(name);
    fail(Exit::usage, "{} holds several data sets: {}: say which one\n  write: --data {}",
         folder.string(), fmt::join(names, ", "), (folder / names.front()).string());
}

struct ChosenSet {
    fs::path folder;
    std::string name;  // in front of the files' names
    FileSet files;
};

ChosenSet choose_set(const fs::path& data) {
    const Place place = place_of(data);
    FileSets sets = list_files(place.folder);
    if (place.set) return {place.folder, *place.set, sets[*place.set]};
    if (sets.contains("") || sets.empty()) return {place.folder, "", sets[""]};
    if (sets.size() > 1) fail_ambiguous(place.folder, sets);
    return {place.folder, sets.begin()->first, sets.begin()->second};
}

[[noreturn]] void fail_missing(const ChosenSet& set, bool test, bool labels,
                               const DataRequest& request) {
    const std::string stem = fmt::format("{}{}-{}", set.name.empty() ? "" : set.name + "-",
                                         test ? "t10k" : "train", labels ? "labels" : "images");
    const char* ending = labels ? "idx1-ubyte" : "idx3-ubyte";
    std::string why;
    for (const fs::path& folder : set.files.folders)
        why += fmt::format("; {} is a folder", folder.filename().string());
    fail(Exit::missing_input,
         "{}: there is no file {}-{} or {}.{}, with or without .gz{}: check the folder or fetch "
         "the data set{}",
         set.folder.string(), stem, ending, stem, ending, why, advice_without(test, request));
}

const fs::path& file_of(const ChosenSet& set, bool test, bool labels, const DataRequest& request) {
    const std::vector<Spelling>& spellings = set.files.files[test][labels];
    if (spellings.empty()) fail_missing(set, test, labels, request);
    for (const Spelling& other : spellings) {
        if (other.t10k != spellings.front().t10k) {
            fail(Exit::usage, "{} and {} could both be meant: move one of them to another folder",
                 spellings.front().path.string(), other.path.string());
        }
    }
    return spellings.front().path;
}

// Opened, but not read.
using Part = std::optional<IdxFiles>;

ImageSize size_of(const IdxFiles& files) {
    return {files.height(), files.width()};
}

void open_part(const ChosenSet& set, bool test, const DataRequest& request, Part& part) {
    const fs::path& images = file_of(set, test, false, request);
    part.emplace(images, file_of(set, test, true, request));
    check_size(request, size_of(*part));
}

ImageSet read_part(Part& part, bool transposed) {
    if (!part) return {};
    ImageSet set = part->read();
    if (transposed) transpose(set);
    return set;
}

}  // namespace

bool has_mnist_files(const fs::path& data) {
    const Place place = place_of(data);
    if (!is_folder(place.folder)) return false;
    const FileSets sets = list_files(place.folder);
    return place.set ? sets.contains(*place.set) : !sets.empty();
}

Dataset load_mnist_files(const fs::path& data, const DataRequest& request) {
    const ChosenSet set = choose_set(data);
    Part train, test;
    if (request.train) open_part(set, false, request, train);
    if (request.test) open_part(set, true, request, test);
    if (train && test) check_same_size(set.folder, size_of(*train), size_of(*test));
    const std::string name = set.name.empty() ? last_part(set.folder) : set.name;
    return {name, read_part(train, request.transposed), read_part(test, request.transposed)};
}

}  // namespace siamc
