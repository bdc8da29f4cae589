// What one-shot figures are held against: recognition without any learning.
#pragma once

#include <cstdint>
#include <vector>

#include "data/image_set.h"
#include "data/picture.h"
#include "evaluation/accuracy.h"
#include "sampling/episodes.h"

namespace siamc {

// Which pixels are the drawing: bright ones as MNIST's, or dark ones on white paper.
enum class Ink { bright, dark };

// count_right, with an image's pixels for its embedding; of dark ink 255 less each.
long count_right_by_pixels(const ImageSet& images, Ink ink, const Episode& episode);

// The same over the queries of the episodes 0 … episodes - 1.
Accuracy pixel_accuracy(const ImageSet& images, Ink ink, const EpisodeSampler& sampler,
                        int episodes);

// Cosine distances of images as they are stored, bright ink: 1 - cos of their pixels. A blank image
// is at distance 1 from all.
class PixelDistances {
  public:
    // The images must outlive it.
    explicit PixelDistances(const ImageSet& images);

    double operator()(std::int32_t a, std::int32_t b) const;

  private:
    const ImageSet& images_;
    std::vector<double> lengths_;
};

struct Point {
    double x = 0, y = 0;
};

// The pixels of a grey picture that are below the middle grey.
class DarkInk {
  public:
    explicit DarkInk(const Picture& picture);

    const std::vector<Point>& points() const { return points_; }
    Point mean() const { return mean_; }
    // How far it is from there to the nearest of them; infinite if there are none.
    double distance_to(Point from) const;

  private:
    bool is_ink(int x, int y) const;

    int height_, width_;
    std::vector<bool> ink_;  // [height][width]
    std::vector<Point> points_;
    Point mean_;
};

// The modified Hausdorff distance (Dubuisson and Jain 1994) of both, each moved so that its mean is
// at 0: the larger of the two mean distances from the points of one to the nearest of the other.
// Infinite if one of them is empty.
double modified_hausdorff(const DarkInk& a, const DarkInk& b);

}  // namespace siamc
