#include <string>
#include <vector>

#include "catch.h"
#include "data/dataset.h"
#include "runtime/picture_helpers.h"

using namespace siamc;
using namespace siamc::test;

namespace {

DataRequest request_of(bool train, bool test) {
    DataRequest request;
    request.train = train;
    request.test = test;
    request.size = {1, 1, 1};
    return request;
}

// The same files as a folder and as a zip.
struct Both {
    explicit Both(const NamedBytes& files) : zip((zipped.path() / "pictures.zip").string()) {
        write_files(folder, files);
        write_zip(zip, files);
    }
    std::vector<std::string> paths() const { return {folder.path().string(), zip}; }

    TempFolder folder, zipped;
    std::string zip;
};

Failure failure_of_loading(const NamedBytes& files, const DataRequest& request) {
    const Both both(files);
    const Failure failure = failure_of([&] { load_dataset(both.folder.path().string(), request); });
    const Failure zipped = failure_of([&] { load_dataset(both.zip, request); });
    CHECK(failure.code == zipped.code);
    return failure;
}

}  // namespace

TEST_CASE("classes are folders, whatever lies beside the pictures", "[dataset]") {
    const Both both({{"cat/b.png", plain_png(2)},
                     {"cat/a.PNG", plain_png(1)},
                     {"ant/x.pgm", {'P', '5', ' ', '1', ' ', '1', ' ', '9', ' ', 9}},
                     {"ant/notes.txt", {'?'}},
                     {"ant/.hidden.png", {'?'}},
                     {"__MACOSX/cat/._b.png", {'?'}}});
    for (const std::string& path : both.paths()) {
        INFO(path);
        const Dataset data = load_dataset(path, request_of(true, false));
        CHECK(data.train.labels == std::vector<int>{0, 1, 1});
        CHECK(data.train.pixels == Bytes{255, 1, 2});
        CHECK(data.train.names == std::vector<std::string>{"ant", "cat"});
        CHECK(data.test.labels.empty());
        const ImageSet cats = take_classes(data.train, {1});
        CHECK((cats.names == data.train.names && cats.pixels == Bytes{1, 2}));
    }
}

TEST_CASE("a training and a test part number classes alike", "[dataset]") {
    const Both both({{"all/train/b/1.png", plain_png(1)},
                     {"all/train/c/1.png", plain_png(2)},
                     {"all/test/a/1.png", plain_png(3)},
                     {"all/test/c/1.png", plain_png(4)},
                     {"all/val/c/1.png", plain_png(5)}});
    for (const std::string& path : both.paths()) {
        INFO(path);
        const Dataset data = load_dataset(path, request_of(true, true));
        CHECK(data.train.labels == std::vector<int>{1, 2});
        CHECK(data.test.labels == std::vector<int>{0, 2});
        CHECK(data.test.pixels == Bytes{3, 4});
        CHECK(data.test.names == std::vector<std::string>{"a", "b", "c"});
        CHECK(load_dataset(path, request_of(false, true)).test.labels == data.test.labels);
    }
}

TEST_CASE("validation pictures are the test part where there is no other", "[dataset]") {
    const Both both({{"training/7/1.png", plain_png(1)}, {"valid/12/1.png", plain_png(2)}});
    for (const std::string& path : both.paths()) {
        const Dataset data = load_dataset(path, request_of(true, true));
        CHECK(data.train.labels == std::vector<int>{7});  // whole numbers are the labels
        CHECK(data.test.labels == std::vector<int>{12});
        CHECK(data.train.names.empty());
    }
}

TEST_CASE("a class may lie some folders down", "[dataset]") {
    const Both both({{"background/Latin/character01/1.png", plain_png(1)},
                     {"background/Latin/character02/1.png", plain_png(2)},
                     {"background/Greek/character01/1.png", plain_png(3)}});
    for (const std::string& path : both.paths()) {
        const Dataset data = load_dataset(path, request_of(true, false));
        CHECK(data.train.names == std::vector<std::string>{"Greek/character01", "Latin/character01",
                                                           "Latin/character02"});
        CHECK(data.train.pixels == Bytes{3, 1, 2});
    }
}

TEST_CASE("a folder of pictures is known by those near its top, and read to its end", "[dataset]") {
    const Both both({{"a/1.png", plain_png(1)}, {"b/c/d/e/f/g/h/2.png", plain_png(2)}});
    for (const std::string& path : both.paths()) {
        const Dataset data = load_dataset(path, request_of(true, false));
        CHECK(data.train.names == std::vector<std::string>{"a", "b/c/d/e/f/g/h"});
    }
    const TempFolder deep;
    write_files(deep, {{"b/c/d/e/f/g/h/2.png", plain_png(2)}});
    const Failure failure =
        failure_of([&] { load_dataset(deep.path().string(), request_of(true, false)); });
    CHECK(failure.code == Exit::missing_input);
}

TEST_CASE("pictures are made as large as the request says, in its colours", "[dataset]") {
    const Both both({{"a/1.png", png({10, 20, 30, 40, 50, 60}, 1, 2, PNG_FORMAT_RGB)}});
    DataRequest request = request_of(true, false);
    request.size = {2, 2, 3};
    request.resize = SIAMC_FILL;
    const ImageSet set = load_dataset(both.zip, request).train;
    CHECK((set.height == 2 && set.width == 2 && set.channels == 3));
    CHECK(set.pixels == Bytes{10, 20, 30, 40, 50, 60, 10, 20, 30, 40, 50, 60});
    request.resize = SIAMC_CROP;
    CHECK(load_dataset(both.zip, request).train.pixels ==
          Bytes{10, 20, 30, 10, 20, 30, 10, 20, 30, 10, 20, 30});
}

TEST_CASE("what is no data set of pictures is refused with what to do", "[dataset]") {
    const DataRequest train = request_of(true, false), both = request_of(true, true);
    Failure failure = failure_of_loading({{"1.png", plain_png(1)}}, train);
    CHECK(failure.code == Exit::bad_data);
    CHECK_THAT(failure.message, Catch::Contains("1.png: lies in no class folder"));
    failure = failure_of_loading({{"a/1.png", plain_png(1)}}, both);
    CHECK(failure.code == Exit::missing_input);
    CHECK_THAT(failure.message, Catch::Contains("there is no part test"));
    CHECK_THAT(failure.message, Catch::Contains("--holdout 0.2"));
    failure =
        failure_of_loading({{"train/a/1.png", plain_png(1)}, {"b/1.png", plain_png(1)}}, train);
    CHECK(failure.code == Exit::bad_data);
    CHECK_THAT(failure.message, Catch::Contains("b/1.png: lies in no folder train or test"));
    failure = failure_of_loading({{"a/1.png", plain_png(1)}}, {});
    CHECK(failure.code == Exit::usage);
    CHECK_THAT(failure.message, Catch::Contains("[height, width, 3]"));
    failure = failure_of_loading({{"a/1.png", {1, 2, 3}}}, train);
    CHECK(failure.code == Exit::bad_data);
    CHECK_THAT(failure.message, Catch::Contains("a/1.png: is neither PNG"));
}

TEST_CASE("damaged zips are refused", "[dataset]") {
    const TempFolder folder;
    const std::string zip = (folder.path() / "a.zip").string();
    const auto failure = [&] {
        return failure_of([&] { load_dataset(zip, request_of(true, false)); });
    };
    folder.write("a.zip", {1, 2, 3});
    CHECK(failure().code == Exit::bad_data);
    CHECK_THAT(failure().message, Catch::Contains("is no zip that can be read"));
    write_zip(zip, {{"readme.txt", {1}}});
    CHECK(failure().code == Exit::missing_input);
    CHECK_THAT(failure().message, Catch::Contains("holds no pictures"));

    write_zip(zip, {{"a/1.png", plain_png(1, 40, 40)}});
    Bytes bytes;
    {
        std::ifstream file(zip, std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(file), {});
    }
    bytes[50] ^= 0x55;  // within the picture
    folder.write("a.zip", bytes);
    CHECK(failure().code == Exit::bad_data);
    CHECK_THAT(failure().message, Catch::Contains("a/1.png: cannot be unpacked"));
}
