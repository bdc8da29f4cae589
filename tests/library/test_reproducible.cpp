// The same input gives the same files: the build's library of fc against one more compilation, by
// another process, elsewhere, one kernel at a time.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>

#include "catch.h"
#include "core/sha256.h"

namespace {

namespace fs = std::filesystem;

const fs::path built = SIAMC_FC_FOLDER;

std::string read(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    REQUIRE(stream);
    return {std::istreambuf_iterator<char>(stream), {}};
}

class TempFolder {
  public:
    TempFolder() {
        std::string name = (fs::temp_directory_path() / "siamc-twice-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()));
        path = name;
    }
    ~TempFolder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    fs::path path;
};

}  // namespace

TEST_CASE("compiling twice gives the same bytes", "[once]") {
    const TempFolder folder;
    const std::string command = "cd / && '" SIAMC_PROGRAM "' compile '" SIAMC_SOURCE_DIR
                                "/models/fc.toml' --target " SIAMC_TARGET " --batch " SIAMC_BATCH
                                " -j 1 -o '" +
                                (folder.path / "again").string() + "'";
    INFO(command);
    REQUIRE(std::system(command.c_str()) == 0);
    int files = 0;
    for (const auto& entry : fs::directory_iterator(folder.path / "again")) {
        INFO(entry.path());
        ++files;
        // Not CHECK(a == b): what differs is machine code.
        const bool same = read(entry.path()) == read(built / entry.path().filename());
        CHECK(same);
    }
    CHECK(files == 7);
    CHECK(std::distance(fs::directory_iterator(built), fs::directory_iterator()) == files);
}

TEST_CASE("the manifest vouches for the library's files", "[once]") {
    const auto manifest = nlohmann::json::parse(read(built / "fc.manifest.json"));
    REQUIRE(manifest.at("files").size() == 2);
    for (const auto& file : manifest.at("files")) {
        const std::string name = file.at("name"), bytes = read(built / name);
        INFO(name);
        CHECK(siamc::sha256(std::as_bytes(std::span(bytes))) == file.at("sha256"));
    }
}
