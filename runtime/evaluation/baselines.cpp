#include "evaluation/baselines.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "evaluation/oneshot.h"

namespace siamc {
namespace {

double mean_distance(const DarkInk& from, const DarkInk& to) {
    const Point shift = {to.mean().x - from.mean().x, to.mean().y - from.mean().y};
    double sum = 0;
    for (const Point& point : from.points())
        sum += to.distance_to({point.x + shift.x, point.y + shift.y});
    return sum / static_cast<double>(from.points().size());
}

// Whole numbers, so exact in any order: compilers make vectors of them. A block's sum stays below
// 2^31.
std::int64_t dot(const std::uint8_t* a, const std::uint8_t* b, std::size_t count) {
    constexpr std::size_t block = 32768;
    std::int64_t sum = 0;
    for (std::size_t begin = 0; begin < count; begin += block) {
        const std::size_t end = std::min(count, begin + block);
        std::int32_t part = 0;
        for (std::size_t i = begin; i < end; ++i) part += std::int32_t{a[i]} * b[i];
        sum += part;
    }
    return sum;
}

}  // namespace

PixelDistances::PixelDistances(const ImageSet& images) : images_(images) {
    for (long i = 0; i < images.size(); ++i)
        lengths_.push_back(std::sqrt(
            static_cast<double>(dot(images.image(i), images.image(i), images.image_bytes()))));
}

double PixelDistances::operator()(std::int32_t a, std::int32_t b) const {
    const double lengths =
        lengths_[static_cast<std::size_t>(a)] * lengths_[static_cast<std::size_t>(b)];
    if (lengths == 0) return 1;
    const std::int64_t product = dot(images_.image(a), images_.image(b), images_.image_bytes());
    return 1 - static_cast<double>(product) / lengths;
}

long count_right_by_pixels(const ImageSet& images, Ink ink, const Episode& episode) {
    Episode renumbered = episode;
    std::vector<float> pixels;
    std::int32_t number = 0;
    for (std::vector<std::int32_t>* part : {&renumbered.support, &renumbered.query})
        for (std::int32_t& image : *part) {
            const std::uint8_t* values = images.image(image);
            for (std::size_t i = 0; i < images.image_bytes(); ++i)
                pixels.push_back(
                    static_cast<float>(ink == Ink::dark ? 255 - values[i] : values[i]));
            image = number++;
        }
    return count_right({pixels, static_cast<int>(images.image_bytes())}, renumbered);
}

Accuracy pixel_accuracy(const ImageSet& images, Ink ink, const EpisodeSampler& sampler,
                        int episodes) {
    Accuracy accuracy;
    for (int number = 0; number < episodes; ++number) {
        const Episode episode = sampler.episode(number);
        accuracy.right += count_right_by_pixels(images, ink, episode);
        accuracy.n += static_cast<long>(episode.query.size());
    }
    return accuracy;
}

DarkInk::DarkInk(const Picture& picture)
    : height_(picture.height), width_(picture.width), ink_(picture.pixels.size()) {
    for (int y = 0; y < height_; ++y)
        for (int x = 0; x < width_; ++x) {
            const auto at = static_cast<std::size_t>(y * width_ + x);
            if (picture.pixels[at] >= 128) continue;
            ink_[at] = true;
            points_.push_back({static_cast<double>(x), static_cast<double>(y)});
            mean_.x += x;
            mean_.y += y;
        }
    mean_.x /= static_cast<double>(points_.size());
    mean_.y /= static_cast<double>(points_.size());
}

bool DarkInk::is_ink(int x, int y) const {
    return x >= 0 && x < width_ && y >= 0 && y < height_ &&
           ink_[static_cast<std::size_t>(y * width_ + x)];
}

// Square by square around the nearest pixel: all of the one at `away` are at least away - 1/2 off.
double DarkInk::distance_to(Point from) const {
    double least = std::numeric_limits<double>::infinity();  // squared
    if (points_.empty()) return least;
    const int x = static_cast<int>(std::lround(from.x)), y = static_cast<int>(std::lround(from.y));
    const auto look = [&](int px, int py) {
        if (!is_ink(px, py)) return;
        const double dx = px - from.x, dy = py - from.y;
        least = std::min(least, dx * dx + dy * dy);
    };
    for (int away = 0; away < 1 || (away - 0.5) * (away - 0.5) <= least; ++away)
        for (int step = -away; step <= away; ++step) {
            look(x + step, y - away);
            look(x + step, y + away);
            look(x - away, y + step);
            look(x + away, y + step);
        }
    return std::sqrt(least);
}

double modified_hausdorff(const DarkInk& a, const DarkInk& b) {
    if (a.points().empty() || b.points().empty()) return std::numeric_limits<double>::infinity();
    return std::max(mean_distance(a, b), mean_distance(b, a));
}

}  // namespace siamc
