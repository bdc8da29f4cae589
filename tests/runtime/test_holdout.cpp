#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "data/dataset.h"
#include "data/holdout.h"
#include "runtime/data_helpers.h"
#include "runtime/numbered_images.h"

using namespace siamc;
using namespace siamc::test;

namespace {

std::set<int> labels_of(const ImageSet& set) {
    return {set.labels.begin(), set.labels.end()};
}

// So many images of each class, which take turns.
ImageSet in_turn(int classes, int images) {
    std::vector<int> labels;
    for (int i = 0; i < classes * images; ++i) labels.push_back(100 + i % classes);
    return numbered(labels);
}

// Gives image `to` the pixels of image `from`.
void copy_image(ImageSet& set, long from, long to) {
    std::copy_n(set.image(from), set.image_bytes(),
                set.pixels.begin() + to * static_cast<long>(set.image_bytes()));
}

}  // namespace

TEST_CASE("a split names what is held out, and how much of it", "[holdout]") {
    CHECK(parse_holdout("class:0.25").of == Holdout::Of::classes);
    CHECK(parse_holdout("class:0.25").share == 0.25);
    CHECK(parse_holdout("image:0.1").of == Holdout::Of::images);
    CHECK(to_text(parse_holdout("image:0.1")) == "image:0.1");
    CHECK(to_text(parse_holdout("class:.5")) == "class:0.5");
    for (const char* text :
         {"", "class", "class:", "class:0", "class:1", "class:-0.1", "class:nan", "class:0.2x",
          "class:0.2,image:0.1", "Class:0.2", "0.2", "images:0.2", "class: 0.2", "class:1e999"}) {
        const Failure failure = failure_of([&] { parse_holdout(text); });
        CHECK(failure.code == Exit::usage);
        CHECK(failure.mentions("write: --split class:0.2"));
    }
}

TEST_CASE("classes are held out whole", "[holdout]") {
    const ImageSet set = in_turn(20, 5);
    const Holdout fifth{Holdout::Of::classes, 0.2};
    const Split sets = split(set, fifth, 1);
    CHECK(labels_of(sets.validation).size() == 4);
    CHECK(labels_of(sets.train).size() == 16);
    std::vector<int> all = numbers(sets.train), held_out = numbers(sets.validation);
    CHECK(std::is_sorted(all.begin(), all.end()));
    CHECK(std::is_sorted(held_out.begin(), held_out.end()));
    for (long i = 0; i < sets.validation.size(); ++i)
        REQUIRE(sets.validation.labels[static_cast<std::size_t>(i)] ==
                100 + held_out[static_cast<std::size_t>(i)] % 20);
    all.insert(all.end(), held_out.begin(), held_out.end());
    std::sort(all.begin(), all.end());
    CHECK(all == numbers(set));

    CHECK(split(set, fifth, 1).validation.labels == sets.validation.labels);
    std::map<int, int> times;  // of each class, over many seeds
    for (std::uint64_t seed = 0; seed < 500; ++seed)
        for (const int label : labels_of(split(set, fifth, seed).validation)) ++times[label];
    CHECK(times.size() == 20);
    for (const auto& [label, count] : times) {
        CHECK(count > 60);  // 100 on average, with a standard deviation of 9
        CHECK(count < 140);
    }
}

TEST_CASE("either part of a split by class has two classes with pairs", "[holdout]") {
    for (const double share : {0.001, 0.5, 0.999}) {
        const Split sets = split(in_turn(4, 2), {Holdout::Of::classes, share}, 0);
        CHECK(labels_of(sets.train).size() == 2);
        CHECK(labels_of(sets.validation).size() == 2);
    }
    ImageSet lonely = in_turn(4, 2);
    lonely.labels.back() = 7;  // classes 7 and 103 then have an image each
    const Failure failure = failure_of([&] { split(lonely, {Holdout::Of::classes, 0.5}, 0); });
    CHECK(failure.code == Exit::usage);
    CHECK(failure.mentions("there are 3 such classes"));
}

TEST_CASE("a split by image does not part images that are the same", "[holdout]") {
    ImageSet set = in_turn(2, 50);
    for (long i = 4; i < 42; i += 2) copy_image(set, 2, i);  // twenty of one class
    copy_image(set, 45, 47);
    const Split sets = split(set, {Holdout::Of::images, 0.3}, 3);
    CHECK(failure_of([&] { check_apart(sets); }).code == Exit::ok);
    CHECK(sets.train.size() + sets.validation.size() == set.size());
    const std::vector<int> validated = numbers(sets.validation);
    CHECK(std::count(validated.begin(), validated.end(), 2) % 20 == 0);
    // One without such images is split as ever.
    const ImageSet other = in_turn(2, 50);
    CHECK(split(other, {Holdout::Of::images, 0.3}, 3).train.pixels ==
          split_images(other, 0.3, 3).train.pixels);
}

TEST_CASE("the same image in training and validation is an error, or dropped", "[holdout]") {
    ImageSet set = in_turn(6, 4);
    const Holdout half{Holdout::Of::classes, 0.5};
    const Split clean = split(set, half, 0);
    const int kept = numbers(clean.train).front(), held_out = numbers(clean.validation).back();
    copy_image(set, held_out, kept);  // of another class
    const Failure failure = failure_of([&] { check_apart(split(set, half, 0)); });
    CHECK(failure.code == Exit::bad_data);
    CHECK(failure.mentions("1 of the 12 training images"));
    CHECK(failure.mentions("number 0"));
    CHECK(failure.mentions("--drop-shared"));

    Split parted = split(set, half, 0);
    CHECK(drop_shared(parted) == 1);
    CHECK(parted.train.size() == 11);
    CHECK(failure_of([&] { check_apart(parted); }).code == Exit::ok);

    Split sets{take(clean.train, std::vector<std::int32_t>{0, 1, 2, 3, 4}),
               take(clean.train, std::vector<std::int32_t>{3, 5, 1})};
    CHECK(failure_of([&] { check_apart(sets); }).code == Exit::bad_data);
    CHECK(drop_shared(sets) == 2);
    CHECK(sets.train.size() == 3);
    CHECK(failure_of([&] { check_apart(sets); }).code == Exit::ok);
    CHECK(drop_shared(sets) == 0);

    const ImageSet blank{1, 2, {9, 9, 9, 9}, {1, 2}};
    CHECK(failure_of([&] { check_apart({blank, blank}); }).code == Exit::ok);
    const ImageSet drawn{1, 2, {9, 8, 9, 9}, {1, 2}};
    CHECK(failure_of([&] { check_apart({drawn, drawn}); }).mentions("1 of the 2"));
}
