#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "data/class_list.h"
#include "data/dataset.h"
#include "data/split.h"
#include "runtime/data_helpers.h"
#include "runtime/numbered_images.h"

using namespace siamc;
using namespace siamc::test;

namespace {

bool true_to(const ImageSet& part, const ImageSet& whole) {
    if (part.height != whole.height || part.width != whole.width) return false;
    if (part.pixels.size() != part.labels.size() * part.image_bytes()) return false;
    const std::vector<int> from = numbers(part);
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (part.labels[i] != whole.labels[static_cast<std::size_t>(from[i])]) return false;
    }
    return true;
}

// So many images of classes 0, 1, 2 …
ImageSet with_counts(const std::vector<long>& counts) {
    std::vector<int> labels;
    for (std::size_t label = 0; label < counts.size(); ++label)
        labels.insert(labels.end(), static_cast<std::size_t>(counts[label]),
                      static_cast<int>(label));
    return numbered(labels);
}

// The flags that a message says to write.
struct Advice {
    double holdout = -1;
    std::string classes;
};

Advice advice_of(const std::string& message) {
    Advice advice;
    const auto at = message.find("write: --holdout ");
    if (at == message.npos) return advice;
    advice.holdout = std::stod(message.substr(at + 17));
    if (const auto list = message.find("--classes "); list != message.npos)
        advice.classes = message.substr(list + 10);
    return advice;
}

}  // namespace

TEST_CASE("a split parts the images of every class", "[split]") {
    std::vector<int> labels;
    for (int i = 0; i < 1000; ++i) labels.push_back(i % 10 == 0 ? 8 : i % 3);
    const ImageSet set = numbered(labels);
    const Split parts = split_images(set, 0.2, 1);
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

TEST_CASE("a split depends on its seed and is random within a class", "[split]") {
    const ImageSet set = numbered(std::vector<int>(20, 0));
    CHECK(numbers(split_images(set, 0.25, 7).validation) ==
          numbers(split_images(set, 0.25, 7).validation));
    CHECK(numbers(split_images(set, 0.25, 7).validation) !=
          numbers(split_images(set, 0.25, 8).validation));
    std::vector<long> times_held_out(20);
    for (std::uint64_t seed = 0; seed < 4000; ++seed) {
        for (const int number : numbers(split_images(set, 0.25, seed).validation))
            ++times_held_out[static_cast<std::size_t>(number)];
    }
    CHECK(roughly_equal(times_held_out));

    // Two classes of one size are not split alike.
    std::vector<int> two(40, 0);
    std::fill(two.begin() + 20, two.end(), 1);
    std::vector<int> first, second;
    for (const int number : numbers(split_images(numbered(two), 0.25, 7).validation))
        (number < 20 ? first : second).push_back(number % 20);
    CHECK(first.size() == 5);
    CHECK(second.size() == 5);
    CHECK(first != second);
}

TEST_CASE("a split's fraction is between 0 and 1", "[split]") {
    const ImageSet set = numbered({0, 0, 1, 1});
    for (const double fraction : {0.0, 1.0, -0.5, 1.5, std::nan("")})
        CHECK(failure_of([&] { split_images(set, fraction, 0); }).code == Exit::usage);
}

TEST_CASE("a share that leaves images without partners names --holdout and a share that will do",
          "[split]") {
    const ImageSet tens = with_counts(std::vector<long>(10, 10));
    for (const double share : {0.001, 0.01, 0.1, 0.12, 0.9, 0.99}) {
        const Failure failure = failure_of([&] { split_images(tens, share, 0); });
        CHECK(failure.code == Exit::usage);
        CHECK(failure.message.rfind(fmt::format("--holdout {}: ", share), 0) == 0);
        CHECK(failure.mentions("10 images"));
        CHECK(failure_of([&] { split_images(tens, advice_of(failure.message).holdout, 0); }).code ==
              Exit::ok);
    }
    CHECK(failure_of([&] { split_images(tens, 0.1, 0); }).message ==
          "--holdout 0.1: of the 10 images of class 0 it leaves 9 to train on and 1 to validate "
          "on, and pairs and triplets need two of a class\n  write: --holdout 0.15");
}

TEST_CASE("what a refused share says to write is taken, whatever the classes' sizes", "[split]") {
    const std::vector<std::vector<long>> sizes = {
        {2, 10, 10}, {3, 3, 50, 60}, {1, 4, 4}, {4, 4}, {5, 1000, 1000}, {1000, 7, 3, 12}, {2, 2}};
    for (const std::vector<long>& counts : sizes) {
        for (int percent = 1; percent < 100; ++percent) {
            ImageSet set = with_counts(counts);
            const Failure failure = failure_of([&] { split_images(set, percent / 100.0, 0); });
            if (failure.code == Exit::ok) continue;
            INFO(failure.message);
            REQUIRE(failure.code == Exit::usage);
            const Advice advice = advice_of(failure.message);
            if (advice.holdout == 0) continue;  // validates on the test images
            if (!advice.classes.empty()) {
                std::vector<int> large;
                for (std::size_t label = 0; label < counts.size(); ++label)
                    if (counts[label] >= 4) large.push_back(static_cast<int>(label));
                CHECK(advice.classes == class_list({large.begin(), large.end()}));
                set = take_classes(set, large);
            }
            CHECK(failure_of([&] { split_images(set, advice.holdout, 0); }).code == Exit::ok);
        }
    }
}

TEST_CASE("no part of a split has an image without a partner, but of classes of one", "[split]") {
    for (long smallest = 1; smallest <= 12; ++smallest) {
        const ImageSet set = with_counts({smallest, 30, 40});
        for (int percent = 1; percent < 100; ++percent) {
            Split parts;
            if (failure_of([&] { parts = split_images(set, percent / 100.0, 3); }).code != Exit::ok)
                continue;
            for (const int label : {0, 1, 2}) {
                for (const ImageSet* part : {&parts.train, &parts.validation}) {
                    const auto count = std::count(part->labels.begin(), part->labels.end(), label);
                    CHECK((count != 1 || smallest == 1));
                }
            }
        }
    }
}

TEST_CASE("images that cannot be compared are refused with what to keep", "[split]") {
    const auto code = [](const std::vector<int>& labels) {
        return failure_of([&] { check_comparable(numbered(labels), "test images"); }).code;
    };
    CHECK(code({3, 3, 9, 9}) == Exit::ok);
    CHECK(code({}) == Exit::bad_data);
    CHECK(failure_of([] {
              check_comparable(numbered({5, 5, 5}), "test images");
          }).message ==
          "all 3 test images are of one class, and pairs and triplets need two: add another "
          "class, or choose another data set");
    // A single image is compared with others.
    CHECK(code({1, 1, 2, 3, 3, 4, 4}) == Exit::ok);
    CHECK(lonely_classes(numbered({1, 1, 2, 3, 3, 4})) == 2);
    CHECK(failure_of([] {
              check_comparable(numbered({1, 1, 2, 3}), "test images");
          }).message ==
          "only one of the test images is of class 2, and pairs and triplets need two of two "
          "classes at least: add images of each class");
    CHECK(failure_of([] {
              check_comparable(Split{numbered({1, 1, 2, 2}), numbered({1, 1, 2})});
          }).mentions("one of the validation images is of class 2"));
}

TEST_CASE("classes are listed with ranges", "[split]") {
    CHECK(class_list({}) == "");
    CHECK(class_list({7}) == "7");
    CHECK(class_list({0, 1, 3}) == "0,1,3");
    CHECK(class_list({0, 1, 2, 3, 5, 8, 9, 10}) == "0-3,5,8-10");
}
