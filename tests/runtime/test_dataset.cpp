#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>

#include "catch.h"
#include "data/dataset.h"
#include "runtime/data_helpers.h"
#include "runtime/numbered_images.h"

using namespace siamc;
using namespace siamc::test;

namespace {

namespace fs = std::filesystem;

// `count` images of 1 x 2 pixels; the pixels tell which image it was, the label is number % 3.
Bytes images_file(std::uint32_t count) {
    Bytes bytes = idx_header({count, 1, 2});
    for (std::uint32_t i = 0; i < count; ++i) {
        bytes.push_back(static_cast<std::uint8_t>(i >> 8));
        bytes.push_back(static_cast<std::uint8_t>(i & 255));
    }
    return bytes;
}
Bytes labels_file(std::uint32_t count) {
    Bytes bytes = idx_header({count});
    for (std::uint32_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(i % 3));
    return bytes;
}

// A folder with the files of a data set, by their names: 30 images to train, 12 to test.
class DataFolder {
  public:
    explicit DataFolder(const std::string& name = "letters") : path_(parent_.path() / name) {
        fs::create_directory(path_);
    }
    const fs::path& path() const { return path_; }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    void write(const std::string& name, const Bytes& bytes) const {
        parent_.write((path_.filename() / name).string(),
                      name.ends_with(".gz") ? gzipped(bytes) : bytes);
    }
    void write_part(const std::string& images, const std::string& labels,
                    std::uint32_t count) const {
        write(images, images_file(count));
        write(labels, labels_file(count));
    }
    void write_mnist(const std::string& set = "") const {
        write_part(set + "train-images-idx3-ubyte", set + "train-labels-idx1-ubyte", 30);
        write_part(set + "t10k-images-idx3-ubyte", set + "t10k-labels-idx1-ubyte", 12);
    }

  private:
    TempFolder parent_;
    fs::path path_;
};

Failure load_failure(const std::string& data, const DataRequest& request = {}) {
    return failure_of([&] { load_dataset(data, request); });
}

const DataRequest only_train = {.test = false}, only_test = {.train = false};

}  // namespace

TEST_CASE("MNIST's four files are found under all their names", "[dataset]") {
    const DataFolder folder;
    const std::string dash = GENERATE("-", ".", "_");
    const std::string test = GENERATE("t10k", "test", "T10K");
    const std::string set = GENERATE("", "emnist-letters-", "EMNIST_byclass.");
    const std::string gz = GENERATE("", ".gz");
    const auto name = [&](const std::string& part, const std::string& kind) {
        return set + part + "-" + kind + dash + "ubyte" + gz;
    };
    folder.write_part(name("train", "images-idx3"), name("train", "labels.idx1"), 30);
    folder.write_part(name(test, "images.idx3"), name(test, "labels-idx1"), 12);
    for (const fs::path& path : {folder.path(), folder.path() / "", folder.path() / "."}) {
        const Dataset data = load_dataset(path.string());
        CHECK(data.name == (set.empty() ? "letters" : set.substr(0, set.size() - 1)));
        CHECK(data.train.size() == 30);
        CHECK(data.test.size() == 12);
        CHECK(data.train.classes() == 3);
        CHECK(numbers(data.test)[11] == 11);
    }
}

TEST_CASE("what isn't a name of MNIST's is passed over", "[dataset]") {
    const DataFolder folder;
    folder.write_mnist();
    for (const char* name : {"train-images-idx1-ubyte", "train-images-idx3-ubyte.bak", "README",
                             "valid-images-idx3-ubyte", "train-labels-idx3-ubyte"})
        folder.write(name, Bytes{1});
    CHECK(load_dataset(folder.path().string()).train.size() == 30);
}

TEST_CASE("a plain file is preferred to its packed twin", "[dataset]") {
    const DataFolder folder;
    folder.write_mnist();
    folder.write("train-images-idx3-ubyte.gz", Bytes{1, 2, 3});
    CHECK(load_dataset(folder.path().string()).train.size() == 30);
}

TEST_CASE("folders that bear a file's name are passed over, or named", "[dataset]") {
    const DataFolder folder;
    fs::create_directory(folder.path() / "train-images-idx3-ubyte");
    folder.write_part("train-images.idx3-ubyte", "train-labels-idx1-ubyte", 30);
    CHECK(load_dataset(folder.path().string(), only_train).train.size() == 30);
    fs::create_directory(folder.path() / "t10k-images-idx3-ubyte");
    folder.write("t10k-labels-idx1-ubyte", labels_file(12));
    const Failure failure = load_failure(folder.path().string());
    CHECK(failure.code == Exit::missing_input);
    CHECK(failure.mentions("; t10k-images-idx3-ubyte is a folder"));
}

TEST_CASE("one of several sets in a folder is chosen by its name", "[dataset]") {
    const DataFolder folder;
    folder.write_mnist("emnist-letters-");
    CHECK(load_dataset(folder.path().string()).train.size() == 30);
    folder.write_part("emnist-digits-train-images-idx3-ubyte.gz",
                      "emnist-digits-train-labels-idx1-ubyte.gz", 6);
    const Failure failure = load_failure(folder.path().string());
    CHECK(failure.code == Exit::usage);
    CHECK(failure.message == folder.path().string() +
                                 " holds several data sets: emnist-digits, emnist-letters: say "
                                 "which one\n  write: --data " +
                                 (folder / "emnist-digits"));
    CHECK(load_dataset(folder / "emnist-digits", only_train).train.size() == 6);
    const Dataset letters = load_dataset(folder / "emnist-letters");
    CHECK(letters.name == "emnist-letters");
    CHECK(letters.test.size() == 12);
    CHECK(load_failure(folder / "emnist-balanced").code == Exit::missing_input);
    // MNIST's own names are what the folder itself stands for.
    folder.write_mnist();
    CHECK(load_dataset(folder.path().string()).name == "letters");
}

TEST_CASE("two spellings of the test images are not chosen between", "[dataset]") {
    const DataFolder folder;
    folder.write_mnist();
    folder.write_part("test-images-idx3-ubyte", "test-labels-idx1-ubyte", 9);
    const Failure failure = load_failure(folder.path().string());
    CHECK(failure.code == Exit::usage);
    CHECK(failure.mentions("could both be meant"));
    CHECK(load_dataset(folder.path().string(), only_train).train.size() == 30);
}

TEST_CASE("only what is asked for has to be there", "[dataset]") {
    const DataFolder folder;
    folder.write_part("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 12);
    const Dataset data = load_dataset(folder.path().string(), only_test);
    CHECK(data.test.size() == 12);
    CHECK(data.train.size() == 0);
    CHECK(load_failure(folder.path().string()).code == Exit::missing_input);
    CHECK(load_failure(folder.path().string(), only_train).code == Exit::missing_input);
}

TEST_CASE("images are read as they are or stored transposed", "[dataset]") {
    const DataFolder folder;
    folder.write("train-images-idx3-ubyte",
                 idx_header({2, 2, 3}) + Bytes{1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16});
    folder.write("train-labels-idx1-ubyte", labels_file(2));
    DataRequest request = only_train;
    int height = 0, width = 0;
    request.check_size = [&](int h, int w) {
        height = h;
        width = w;
    };
    request.transposed = true;
    const ImageSet set = load_dataset(folder.path().string(), request).train;
    CHECK(set.height == 3);
    CHECK(set.width == 2);
    CHECK((height == 3 && width == 2));
    CHECK(set.pixels == Bytes{1, 4, 2, 5, 3, 6, 11, 14, 12, 15, 13, 16});
    CHECK(load_failure("glyphs", request).code == Exit::usage);
}

TEST_CASE("an unwanted size is refused before pixels are read", "[dataset]") {
    const DataFolder folder;
    folder.write_mnist();
    folder.write("train-images-idx3-ubyte", idx_header({30, 1, 2}) + Bytes(60, 7));
    fs::resize_file(folder.path() / "t10k-images-idx3-ubyte", 16 + 24);
    DataRequest request;
    request.check_size = [](int, int) { fail(Exit::bad_data, "not this size"); };
    CHECK(load_failure(folder.path().string(), request).message == "not this size");
}

TEST_CASE("what is missing of a data set is named", "[dataset]") {
    const DataFolder folder;
    const std::string path = folder.path().string();
    const Failure nowhere = load_failure(path + "/nowhere");
    CHECK(nowhere.code == Exit::missing_input);
    CHECK(nowhere.message ==
          "there is no folder " + path + "/nowhere: check the path of the data set");
    CHECK(load_failure(path).message ==
          path +
              ": holds no data set (MNIST's IDX files, numpy's x_train.npy and the like, "
              "pictures in class folders or a zip of them, a list of pictures as NAME.csv): check "
              "the folder or fetch the data set");

    folder.write("train-images-idx3-ubyte", images_file(6));
    const Failure file = load_failure(path + "/train-images-idx3-ubyte");
    CHECK(file.code == Exit::usage);
    CHECK(file.mentions("write: --data " + path));
    const Failure above = load_failure(folder.path().parent_path().string());
    CHECK(above.code == Exit::missing_input);
    CHECK(above.mentions("write: --data " + path));
    const Failure partial = load_failure(path);
    CHECK(partial.code == Exit::missing_input);
    CHECK(partial.message ==
          path +
              ": there is no file train-labels-idx1-ubyte or train-labels.idx1-ubyte, with or "
              "without .gz: check the folder or fetch the data set");
    folder.write("train-labels-idx1-ubyte", labels_file(6));
    CHECK(load_failure(path).mentions("t10k-images-idx3-ubyte"));
    CHECK(load_failure(path).mentions("--holdout 0.2"));
}

TEST_CASE("paths may hold spaces, other alphabets, and bytes that are no UTF-8", "[dataset]") {
    for (const std::string name : {"a folder", " ", "données", "数据", "caf\xe9", "-x", "a\nb"}) {
        const DataFolder folder(name);
        folder.write_mnist();
        const Dataset data = load_dataset(folder.path().string());
        CHECK(data.name == name);
        CHECK(data.train.size() == 30);
    }
}

TEST_CASE("labels may begin anywhere and have gaps", "[dataset]") {
    const DataFolder folder;
    folder.write("t10k-images-idx3-ubyte", images_file(4));
    folder.write("t10k-labels-idx1-ubyte", idx_header({4}) + Bytes{26, 1, 255, 1});
    const ImageSet set = load_dataset(folder.path().string(), only_test).test;
    CHECK(set.labels == std::vector<int>{26, 1, 255, 1});
    CHECK(set.classes() == 3);
}

TEST_CASE("training and test images must be of one size", "[dataset]") {
    const DataFolder folder;
    folder.write_mnist();
    folder.write("t10k-images-idx3-ubyte", idx_header({12, 2, 1}) + Bytes(24));
    const Failure failure = load_failure(folder.path().string());
    CHECK(failure.code == Exit::bad_data);
    CHECK(failure.mentions("training images are 1 x 2, test images 2 x 1"));
}

TEST_CASE("take gives the images asked for, in that order", "[dataset]") {
    const ImageSet set = numbered({5, 6, 7, 8});
    const std::vector<std::int32_t> chosen = {3, 0, 0};
    const ImageSet part = take(set, chosen);
    CHECK(numbers(part) == std::vector<int>{3, 0, 0});
    CHECK(part.labels == std::vector<int>{8, 5, 5});
    CHECK(take(set, {}).size() == 0);
    for (const std::int32_t bad : {-1, 4})
        CHECK(failure_of([&] { take(set, std::vector{bad}); }).code == Exit::internal);
}

TEST_CASE("classes are taken and left out by label", "[dataset]") {
    const ImageSet set = numbered({4, 2, 9, 2, 4, 9, 9});
    const ImageSet some = take_classes(set, {9, 4});
    CHECK(numbers(some) == std::vector<int>{0, 2, 4, 5, 6});
    CHECK(some.labels == std::vector<int>{4, 9, 4, 9, 9});
    CHECK(some.classes() == 2);
    const ImageSet others = without_classes(set, {9, 4});
    CHECK(numbers(others) == std::vector<int>{1, 3});
    CHECK(others.labels == std::vector<int>{2, 2});

    for (const bool inside : {true, false}) {
        const Failure unknown = failure_of([&] {
            inside ? take_classes(set, {2, 3}) : without_classes(set, {2, 3});
        });
        CHECK(unknown.code == Exit::usage);
        CHECK(unknown.message == "there is no image of class 3: the data set has classes 2, 4, 9");
    }
    CHECK(failure_of([&] { without_classes(set, {2, 4, 9}); }).code == Exit::usage);
    CHECK(failure_of([&] { take_classes(set, {}); }).code == Exit::usage);
}

// Runs where SIAMC_MNIST names the folder of MNIST's four files.
TEST_CASE("MNIST has 60,000 training and 10,000 test images", "[dataset]") {
    const char* folder = std::getenv("SIAMC_MNIST");
    if (!folder) {
        WARN("SIAMC_MNIST is not set: MNIST itself was not read");
        return;
    }
    const Dataset data = load_dataset(folder);
    CHECK(data.train.size() == 60000);
    CHECK(data.test.size() == 10000);
    for (const ImageSet* set : {&data.train, &data.test}) {
        CHECK(set->height == 28);
        CHECK(set->width == 28);
        CHECK(set->classes() == 10);
        CHECK(set->pixels.size() == set->labels.size() * 784);
    }
    const std::vector<int> first(data.train.labels.begin(), data.train.labels.begin() + 10);
    CHECK(first == std::vector<int>{5, 0, 4, 1, 9, 2, 1, 3, 1, 4});
}

TEST_CASE("quarter turns are classes of their own", "[dataset]") {
    //  1 2
    //  3 4, to the left once: 2 4 / 1 3
    ImageSet set{2, 2, {1, 2, 3, 4, 5, 5, 5, 5}, {0, 2}, 1, {"a", "b", "c"}};
    add_quarter_turns(set);
    CHECK(set.labels == std::vector<int>{0, 2, 3, 5, 6, 8, 9, 11});
    const auto image = [&](long i) { return Bytes(set.image(i), set.image(i) + 4); };
    CHECK(image(0) == Bytes{1, 2, 3, 4});
    CHECK(image(2) == Bytes{2, 4, 1, 3});
    CHECK(image(4) == Bytes{4, 3, 2, 1});
    CHECK(image(6) == Bytes{3, 1, 4, 2});
    CHECK(set.names == std::vector<std::string>{"a", "b", "c", "a turned 90", "b turned 90",
                                                "c turned 90", "a turned 180", "b turned 180",
                                                "c turned 180", "a turned 270", "b turned 270",
                                                "c turned 270"});
    ImageSet coloured{1, 1, {1, 2, 3}, {4}, 3};
    add_quarter_turns(coloured);
    CHECK(coloured.pixels == Bytes{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3});
    CHECK(coloured.labels == std::vector<int>{4, 9, 14, 19});
    ImageSet oblong{1, 2, {1, 2}, {0}}, negative{1, 1, {1}, {-1}};
    CHECK(failure_of([&] { add_quarter_turns(oblong); }).code == Exit::usage);
    CHECK(failure_of([&] { add_quarter_turns(negative); }).code == Exit::usage);
}

TEST_CASE("dark ink becomes bright where the request says so", "[dataset]") {
    DataRequest request;
    const Dataset plain = load_dataset("glyphs", request);
    request.inverted = true;
    const Dataset inverted = load_dataset("glyphs", request);
    for (std::size_t i = 0; i < plain.train.pixels.size(); i += 97)
        REQUIRE(inverted.train.pixels[i] == 255 - plain.train.pixels[i]);
    CHECK(inverted.test.pixels[0] == 255 - plain.test.pixels[0]);
}
