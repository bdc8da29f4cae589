#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "catch.h"
#include "data/omniglot_runs.h"
#include "evaluation/baselines.h"
#include "evaluation/oneshot.h"
#include "runtime/picture_helpers.h"
#include "sampling/random.h"

using namespace siamc;
using namespace siamc::test;

namespace {

Picture dotted(int height, int width, std::uint32_t number, std::uint32_t one_in) {
    Picture picture{height, width, 1, {}};
    Random random(3, Stream::parameters, 0, number);
    for (int i = 0; i < height * width; ++i)
        picture.pixels.push_back(random.below(one_in) == 0 ? 0 : 255);
    return picture;
}

// Every point against every other, as the paper has it.
double slow_hausdorff(const Picture& a, const Picture& b) {
    const auto centred = [](const Picture& picture) {
        std::vector<std::pair<double, double>> points;
        double x = 0, y = 0;
        for (std::size_t i = 0; i < picture.pixels.size(); ++i)
            if (picture.pixels[i] == 0) {
                points.emplace_back(i % static_cast<std::size_t>(picture.width),
                                    i / static_cast<std::size_t>(picture.width));
                x += points.back().first;
                y += points.back().second;
            }
        for (auto& point : points) {
            point.first -= x / static_cast<double>(points.size());
            point.second -= y / static_cast<double>(points.size());
        }
        return points;
    };
    const auto left = centred(a), right = centred(b);
    const auto mean = [](const auto& from, const auto& to) {
        double sum = 0;
        for (const auto& p : from) {
            double least = std::numeric_limits<double>::infinity();
            for (const auto& q : to)
                least = std::min(least, std::hypot(p.first - q.first, p.second - q.second));
            sum += least;
        }
        return sum / static_cast<double>(from.size());
    };
    return std::max(mean(left, right), mean(right, left));
}

}  // namespace

TEST_CASE("the modified Hausdorff distance is that of every point against every other",
          "[baselines]") {
    const int sizes[][2] = {{1, 1}, {5, 9}, {30, 12}, {25, 40}};
    for (std::uint32_t number = 0; number < 40; ++number) {
        const auto [height, width] = sizes[number % 4];
        const auto [other_height, other_width] = sizes[number / 4 % 4];
        Picture a = dotted(height, width, number, 2 + number % 7 * 5);
        Picture b = dotted(other_height, other_width, number + 1000, 3);
        a.pixels[0] = b.pixels[0] = 0;
        INFO(number);
        CHECK(modified_hausdorff(DarkInk(a), DarkInk(b)) ==
              Approx(slow_hausdorff(a, b)).epsilon(1e-12).margin(1e-12));
    }
    const Picture empty{2, 2, 1, {255, 255, 255, 255}}, full{1, 1, 1, {0}};
    CHECK(std::isinf(modified_hausdorff(DarkInk(empty), DarkInk(full))));
    CHECK(modified_hausdorff(DarkInk(full), DarkInk(full)) == 0);
}

TEST_CASE("pixels stand for embeddings", "[baselines]") {
    // Class 1 looks the same but for brightness, class 0 is of two kinds.
    const ImageSet images{1, 2, {9, 1, 10, 100, 3, 30, 1, 9}, {0, 1, 1, 0}};
    Episode episode;
    episode.classes = {0, 1};
    episode.support = {0, 1};
    episode.query = {2, 3};
    episode.query_way = {1, 0};
    CHECK(count_right_by_pixels(images, Ink::bright, episode) == 1);
    std::vector<float> dark;
    for (const std::uint8_t pixel : images.pixels) dark.push_back(255.0f - pixel);
    CHECK(count_right_by_pixels(images, Ink::dark, episode) == count_right({dark, 2}, episode));
    const ImageSet constant{1, 1, std::vector<std::uint8_t>(40, 7), [] {
                                std::vector<int> labels(40);
                                for (int i = 0; i < 40; ++i)
                                    labels[static_cast<std::size_t>(i)] = i % 4;
                                return labels;
                            }()};
    const EpisodeSampler sampler(constant.labels, 4, 1, 5, 0);
    const Accuracy none = pixel_accuracy(constant, Ink::bright, sampler, 10);
    CHECK((none.right == 0 && none.n == 200));  // ties are wrong
}

TEST_CASE("published runs are read as their label files say", "[baselines]") {
    const std::string labels =
        "run01/test/a.png run01/training/y.png\nrun01/test/b.png run01/training/x.png\n\n"
        "run01/test/c.png run01/training/y.png\n";
    const auto text = [](const std::string& words) { return Bytes(words.begin(), words.end()); };
    NamedBytes files = {
        {"all/run01/class_labels.txt", text(labels)}, {"all/run01/test/a.png", plain_png(1)},
        {"all/run01/test/b.png", plain_png(2)},       {"all/run01/test/c.png", plain_png(3)},
        {"all/run01/training/x.png", plain_png(4)},   {"all/run01/training/y.png", plain_png(5)}};
    const TempFolder folder;
    const auto zip = folder.path() / "runs.zip";
    const auto load = [&] {
        write_zip(zip, files);
        return load_omniglot_runs(zip);
    };
    const std::vector<OmniglotRun> runs = load();
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].name == "run01");
    CHECK(runs[0].answers == std::vector<int>{0, 1, 0});
    REQUIRE((runs[0].shown.size() == 2 && runs[0].asked.size() == 3));
    CHECK((runs[0].shown[0].pixels[0] == 5 && runs[0].shown[1].pixels[0] == 4));
    CHECK((runs[0].asked[0].pixels[0] == 1 && runs[0].asked[2].pixels[0] == 3));

    files.pop_back();
    Failure failure = failure_of(load);
    CHECK((failure.code == Exit::missing_input &&
           failure.mentions("there is no all/run01/training/y.png")));
    files[0].second = text("run01/test/a.png\n");
    failure = failure_of(load);
    CHECK((failure.code == Exit::bad_data &&
           failure.mentions("class_labels.txt:1: holds no two paths")));
    files[0].second = text("run01/test/a.png run01/training/x.png\n");
    failure = failure_of(load);
    CHECK((failure.code == Exit::bad_data && failure.mentions("names 1 classes")));
    files.erase(files.begin());
    failure = failure_of(load);
    CHECK((failure.code == Exit::missing_input && failure.mentions("--protocol omniglot")));
}

TEST_CASE("distances of pixels are those of a loop in double", "[baselines]") {
    Random random(9, Stream::glyph_test);
    ImageSet images{40, 30, {}, std::vector<int>(12)};
    for (std::size_t i = 0; i < 12 * images.image_bytes(); ++i)
        images.pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
    std::fill_n(images.pixels.begin(), images.image_bytes(),
                std::uint8_t{0});  // the first is blank
    const PixelDistances distances(images);
    for (std::int32_t a = 1; a < 12; ++a)
        for (std::int32_t b = 1; b < 12; ++b) {
            double product = 0, length_a = 0, length_b = 0;
            for (std::size_t i = 0; i < images.image_bytes(); ++i) {
                const double x = images.image(a)[i], y = images.image(b)[i];
                product += x * y;
                length_a += x * x;
                length_b += y * y;
            }
            const double expected = 1 - product / std::sqrt(length_a * length_b);
            REQUIRE(std::abs(distances(a, b) - expected) < 1e-12);
        }
    CHECK(distances(0, 3) == 1);
    CHECK(distances(0, 0) == 1);
}
