#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>

#include "catch.h"
#include "data/dataset.h"
#include "runtime/data_helpers.h"

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

// Images as from images_file, with the given labels.
ImageSet numbered(const std::vector<int>& labels) {
    ImageSet set{1, 2, {}, labels};
    for (std::size_t i = 0; i < labels.size(); ++i) {
        set.pixels.push_back(static_cast<std::uint8_t>(i >> 8));
        set.pixels.push_back(static_cast<std::uint8_t>(i & 255));
    }
    return set;
}

std::vector<int> numbers(const ImageSet& set) {
    std::vector<int> result;
    for (long i = 0; i < set.size(); ++i) result.push_back(set.image(i)[0] * 256 + set.image(i)[1]);
    return result;
}

bool true_to(const ImageSet& part, const ImageSet& whole) {
    if (part.height != whole.height || part.width != whole.width) return false;
    if (part.pixels.size() != part.labels.size() * part.image_bytes()) return false;
    const std::vector<int> from = numbers(part);
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (part.labels[i] != whole.labels[static_cast<std::size_t>(from[i])]) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("MNIST's four files are found under all their names", "[dataset]") {
    const TempFolder parent;
    const fs::path folder = parent.path() / "letters";
    fs::create_directory(folder);
    const std::string dash = GENERATE("-", ".");
    const bool packed = GENERATE(false, true);
    const auto write = [&](const std::string& stem, const std::string& ending, const Bytes& bytes) {
        parent.write("letters/" + stem + dash + ending + (packed ? ".gz" : ""),
                     packed ? gzipped(bytes) : bytes);
    };
    write("train-images", "idx3-ubyte", images_file(30));
    write("train-labels", "idx1-ubyte", labels_file(30));
    write("t10k-images", "idx3-ubyte", images_file(12));
    write("t10k-labels", "idx1-ubyte", labels_file(12));
    for (const fs::path& path : {folder, folder / "", folder / "."}) {
        const Dataset data = load_dataset(path);
        CHECK(data.name == "letters");
        CHECK(data.train.size() == 30);
        CHECK(data.test.size() == 12);
        CHECK(data.train.classes() == 3);
        CHECK(numbers(data.test)[11] == 11);
    }
}

TEST_CASE("what is missing of a data set is named", "[dataset]") {
    const TempFolder folder;
    const std::string path = folder.path().string();
    const Failure nowhere = failure_of([&] { load_dataset(path + "/nowhere"); });
    CHECK(nowhere.code == Exit::missing_input);
    CHECK(nowhere.message ==
          "there is no folder " + path + "/nowhere: check the path of the data set");

    folder.write("train-images-idx3-ubyte", images_file(6));
    const Failure partial = failure_of([&] { load_dataset(path); });
    CHECK(partial.code == Exit::missing_input);
    CHECK(partial.message == fmt::format("there is neither {0}/train-labels-idx1-ubyte nor "
                                         "{0}/train-labels-idx1-ubyte.gz (nor "
                                         "{0}/train-labels.idx1-ubyte, nor "
                                         "{0}/train-labels.idx1-ubyte.gz): check the folder or "
                                         "fetch the data set",
                                         path));
}

TEST_CASE("training and test images must be of one size", "[dataset]") {
    const TempFolder folder;
    folder.write("train-images-idx3-ubyte", images_file(6));
    folder.write("train-labels-idx1-ubyte", labels_file(6));
    folder.write("t10k-images-idx3-ubyte", idx_header({1, 2, 1}) + Bytes{0, 0});
    folder.write("t10k-labels-idx1-ubyte", labels_file(1));
    const Failure failure = failure_of([&] { load_dataset(folder.path()); });
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

TEST_CASE("a split parts the images of every class", "[dataset]") {
    std::vector<int> labels;
    for (int i = 0; i < 1000; ++i) labels.push_back(i % 10 == 0 ? 8 : i % 3);
    const ImageSet set = numbered(labels);
    const Split parts = split(set, 0.2, 1);
    CHECK(true_to(parts.train, set));
    CHECK(true_to(parts.validation, set));

    const std::vector<int> train = numbers(parts.train), held_out = numbers(parts.validation);
    CHECK(std::is_sorted(train.begin(), train.end()));
    CHECK(std::is_sorted(held_out.begin(), held_out.end()));
    std::set<int> all(train.begin(), train.end());
    all.insert(held_out.begin(), held_out.end());
    CHECK(all.size() == 1000);
    CHECK(train.size() + held_out.size() == 1000);
    for (const int label : {0, 1, 2, 8}) {
        const auto of_class = std::count(labels.begin(), labels.end(), label);
        const auto held =
            std::count(parts.validation.labels.begin(), parts.validation.labels.end(), label);
        CHECK(held == std::lround(0.2 * static_cast<double>(of_class)));
    }
}

TEST_CASE("a split depends on its seed and is random within a class", "[dataset]") {
    const ImageSet set = numbered(std::vector<int>(20, 0));
    CHECK(numbers(split(set, 0.25, 7).validation) == numbers(split(set, 0.25, 7).validation));
    CHECK(numbers(split(set, 0.25, 7).validation) != numbers(split(set, 0.25, 8).validation));
    std::vector<long> times_held_out(20);
    for (std::uint64_t seed = 0; seed < 4000; ++seed) {
        for (const int number : numbers(split(set, 0.25, seed).validation))
            ++times_held_out[static_cast<std::size_t>(number)];
    }
    CHECK(roughly_equal(times_held_out));

    // Two classes of one size are not split alike.
    std::vector<int> two(40, 0);
    std::fill(two.begin() + 20, two.end(), 1);
    std::vector<int> first, second;
    for (const int number : numbers(split(numbered(two), 0.25, 7).validation))
        (number < 20 ? first : second).push_back(number % 20);
    CHECK(first.size() == 5);
    CHECK(second.size() == 5);
    CHECK(first != second);
}

TEST_CASE("a split leaves an image of every class for training", "[dataset]") {
    const Split parts = split(numbered({0, 1, 1, 2, 2, 2}), 0.99, 1);
    CHECK(parts.train.labels == std::vector<int>{0, 1, 2});
    CHECK(parts.validation.labels == std::vector<int>{1, 2, 2});
}

TEST_CASE("a split's fraction is between 0 and 1", "[dataset]") {
    const ImageSet set = numbered({0, 0, 1, 1});
    for (const double fraction : {0.0, 1.0, -0.5, 1.5, std::nan("")})
        CHECK(failure_of([&] { split(set, fraction, 0); }).code == Exit::usage);
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
