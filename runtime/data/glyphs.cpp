#include "data/glyphs.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "core/error.h"
#include "sampling/random.h"

namespace siamc {
namespace {

// Coordinates are integers in units of 1/256 pixel; fractions are integers in units of 1/256, too.
constexpr int one = 256;
constexpr int side = 28;                // pixels
constexpr int centre = side * one / 2;  // of the image
constexpr int box = 20 * one;           // side of the square that a class's strokes fill

struct Point {
    int x, y;
    friend constexpr bool operator==(Point, Point) = default;
    friend constexpr Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
    friend constexpr Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
    friend constexpr Point operator*(int fraction, Point p) {
        return {p.x * fraction / one, p.y * fraction / one};
    }
};

constexpr Point turned_left(Point p) {
    return {-p.y, p.x};
}

constexpr int squared_length(Point p) {
    return p.x * p.x + p.y * p.y;
}

// A cubic Bézier curve.
using Curve = std::array<Point, 4>;
using Glyph = std::vector<Curve>;
// Curves as points joined by straight lines, `steps` to a curve.
constexpr int steps = 8;
using Path = std::array<Point, steps + 1>;
using Image = std::array<std::uint8_t, side * side>;

// --- Classes -------------------------------------------------------------------------------------

// A curve from a to b whose ends leave the straight line sideways by `first` and `last`, and start
// along it by `along`: all fractions of its length.
Curve bent(Point a, Point b, int along, int first, int last) {
    const Point chord = b - a;
    const Point sideways = turned_left(chord);
    return {a, a + along * chord + first * sideways, b - along * chord + last * sideways, b};
}

void add_stroke(Glyph& glyph, Point a, Point b, Random& random) {
    const int sign = random.below(2) == 0 ? 1 : -1;
    const int bend = sign * random.between(one * 4 / 10, one * 8 / 10);
    const auto kind = random.below(10);
    if (kind < 4) {  // line
        glyph.push_back(bent(a, b, one / 3, 0, 0));
    } else if (kind < 7) {  // arc
        glyph.push_back(bent(a, b, one / 8, bend, bend));
    } else if (kind < 8) {  // wave
        glyph.push_back(bent(a, b, one / 3, bend, -bend));
    } else {  // loop
        glyph.push_back(bent(a, b, 0, bend, bend));
        glyph.push_back(bent(b, a, 0, bend, bend));
    }
}

// Three or four strokes between the points of a lattice; most begin where another one ends.
Glyph draw_candidate(Random& random) {
    constexpr int columns = 3, rows = 4, jitter = one * 3 / 2;
    std::array<Point, columns * rows> lattice;
    for (int i = 0; i < columns * rows; ++i) {
        const int x = i % columns * box / (columns - 1), y = i / columns * box / (rows - 1);
        lattice[static_cast<std::size_t>(i)] = {x + random.between(-jitter, jitter),
                                                y + random.between(-jitter, jitter)};
    }
    const auto any = [&] { return lattice[random.below(columns * rows)]; };
    Glyph glyph;
    std::vector<Point> used = {any()};
    const int strokes = random.between(3, 4);
    for (int i = 0; i < strokes; ++i) {
        const bool attached = random.below(12) != 0;
        const Point a =
            attached ? used[random.below(static_cast<std::uint32_t>(used.size()))] : any();
        Point b = any();
        while (b == a) b = any();
        add_stroke(glyph, a, b, random);
        used.insert(used.end(), {a, b});
    }
    return glyph;
}

Path flatten(const Curve& curve) {
    Path path;
    for (int i = 0; i <= steps; ++i) {
        const int t = i, s = steps - i;
        const std::array<int, 4> weights = {s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t};
        Point sum{0, 0};
        for (std::size_t k = 0; k < 4; ++k) {
            sum.x += weights[k] * curve[k].x;
            sum.y += weights[k] * curve[k].y;
        }
        constexpr int total = steps * steps * steps;
        path[static_cast<std::size_t>(i)] = {sum.x / total, sum.y / total};
    }
    return path;
}

// Scales the glyph to fill the box in its longer direction, and moves it to the image's centre.
Glyph fitted(Glyph glyph) {
    constexpr int far = std::numeric_limits<int>::max();
    Point low{far, far}, high{-far, -far};
    for (const Curve& curve : glyph) {
        for (const Point p : flatten(curve)) {
            low = {std::min(low.x, p.x), std::min(low.y, p.y)};
            high = {std::max(high.x, p.x), std::max(high.y, p.y)};
        }
    }
    const int width = high.x - low.x, height = high.y - low.y;
    const int longer = std::max({width, height, one});
    for (Curve& curve : glyph) {
        for (Point& p : curve) {
            const Point from_middle = {2 * p.x - low.x - high.x, 2 * p.y - low.y - high.y};
            p = {centre + from_middle.x * (box / 2) / longer,
                 centre + from_middle.y * (box / 2) / longer};
        }
    }
    return glyph;
}

// --- Drawing -------------------------------------------------------------------------------------

int squared_distance(Point p, Point a, Point b) {
    const Point ab = b - a, ap = p - a;
    const int along = ap.x * ab.x + ap.y * ab.y;
    if (along <= 0) return squared_length(ap);
    const int length = squared_length(ab);
    if (along >= length) return squared_length(p - b);
    const std::int64_t across = std::int64_t{ap.x} * ab.y - std::int64_t{ap.y} * ab.x;
    return static_cast<int>(across * across / length);
}

// The largest integer whose square is no more than n, 0 <= n < 2^24.
int square_root(int n) {
    int root = 0;
    for (int bit = 1 << 11; bit > 0; bit >>= 1) {
        if ((root + bit) * (root + bit) <= n) root += bit;
    }
    return root;
}

// White within `radius` of the paths, then fading to black over `fade`.
Image draw(const std::vector<Path>& paths, int radius, int fade) {
    const int reach = radius + fade;
    std::array<int, side * side> nearest;  // squared distance to the paths
    nearest.fill(reach * reach);
    const auto pixel = [](int coordinate) { return std::clamp(coordinate / one, 0, side - 1); };
    for (const Path& path : paths) {
        for (std::size_t i = 1; i < path.size(); ++i) {
            const Point a = path[i - 1], b = path[i];
            const int left = pixel(std::min(a.x, b.x) - reach);
            const int right = pixel(std::max(a.x, b.x) + reach);
            const int top = pixel(std::min(a.y, b.y) - reach);
            const int bottom = pixel(std::max(a.y, b.y) + reach);
            for (int y = top; y <= bottom; ++y) {
                for (int x = left; x <= right; ++x) {
                    const Point middle = {x * one + one / 2, y * one + one / 2};
                    int& old = nearest[static_cast<std::size_t>(y * side + x)];
                    old = std::min(old, squared_distance(middle, a, b));
                }
            }
        }
    }
    Image image;
    for (std::size_t i = 0; i < image.size(); ++i) {
        const int left = reach - square_root(nearest[i]);
        image[i] = static_cast<std::uint8_t>(std::clamp(left * 255 / fade, 0, 255));
    }
    return image;
}

// --- Choosing classes that can be told apart -----------------------------------------------------

std::vector<Path> flattened(const Glyph& glyph) {
    std::vector<Path> paths;
    for (const Curve& curve : glyph) paths.push_back(flatten(curve));
    return paths;
}

// How much of the ink of two images isn't shared: a fraction.
int difference(const Image& a, const Image& b) {
    int apart = 0, sum = 1;
    for (std::size_t i = 0; i < a.size(); ++i) {
        apart += std::abs(a[i] - b[i]);
        sum += a[i] + b[i];
    }
    return apart * one / sum;
}

// Whether there is more to see than a straight line, which would be too like other lines.
bool inked(const Image& blurred) {
    constexpr int straight_line = 24'000;
    return std::accumulate(blurred.begin(), blurred.end(), 0) > straight_line * 3 / 2;
}

// The first of a class's candidates that is far enough from all classes before it, else the
// farthest of them.
std::vector<Glyph> draw_classes(int classes, std::uint64_t seed) {
    constexpr int enough = 110, candidates = 64;
    std::vector<Glyph> glyphs;
    std::vector<Image> blurred;
    for (int label = 0; label < classes; ++label) {
        Random random(seed, Stream::glyph_classes, 0, static_cast<std::uint32_t>(label));
        Glyph best;
        Image best_image{};
        int best_distance = -1;
        for (int i = 0; i < candidates && best_distance < enough; ++i) {
            Glyph glyph = fitted(draw_candidate(random));
            const Image image = draw(flattened(glyph), 0, 4 * one);
            int distance = inked(image) ? one : 0;
            for (const Image& other : blurred)
                distance = std::min(distance, difference(image, other));
            if (distance > best_distance) {
                best = std::move(glyph);
                best_image = image;
                best_distance = distance;
            }
        }
        glyphs.push_back(std::move(best));
        blurred.push_back(best_image);
    }
    return glyphs;
}

// --- Images --------------------------------------------------------------------------------------

// How one image departs from its class.
class Distortion {
  public:
    explicit Distortion(Random& random) {
        for (Point& node : grid_) node = any_point(random, one * 5 / 2);
        const int sine = random.between(-one / 4, one / 4);  // of a turn by up to 14 degrees
        const int cosine = square_root(one * one - sine * sine);
        const int slant = random.between(-one / 4, one / 4);
        const int wide = random.between(one * 6 / 10, one * 21 / 20);
        const int high = random.between(one * 6 / 10, one * 21 / 20);
        x_ = {wide * cosine / one, wide * sine / one};
        y_ = {high * (slant * cosine / one - sine) / one,
              high * (slant * sine / one + cosine) / one};
        shift_ = any_point(random, one * 2);
    }

    Point operator()(Point p) const {
        const Point q = p + elastic(p) - Point{centre, centre};
        return Point{centre, centre} + shift_ + q.x * x_ + q.y * y_;
    }

  private:
    static constexpr int cells = 3;  // of the grid, each way
    static constexpr int cell = side * one / cells;

    static Point any_point(Random& random, int far) {
        const int x = random.between(-far, far);
        return {x, random.between(-far, far)};
    }

    // Moves of the grid's nodes, linear in between.
    Point elastic(Point p) const {
        const int column = std::clamp(p.x / cell, 0, cells - 1);
        const int row = std::clamp(p.y / cell, 0, cells - 1);
        const int right = (p.x - column * cell) * one / cell,
                  down = (p.y - row * cell) * one / cell;
        const Point* node = &grid_[static_cast<std::size_t>(row * (cells + 1) + column)];
        const Point upper = node[0] + right * (node[1] - node[0]);
        node += cells + 1;
        const Point lower = node[0] + right * (node[1] - node[0]);
        return upper + down * (lower - upper);
    }

    std::array<Point, (cells + 1) * (cells + 1)> grid_;
    Point x_, y_, shift_;  // where the unit vectors and the centre go
};

Image draw_image(const std::vector<Path>& glyph, Random random) {
    const Distortion distortion(random);
    const int pen = random.between(one * 6 / 10, one * 13 / 10);  // radius
    std::vector<Path> paths = glyph;
    for (Path& path : paths) std::transform(path.begin(), path.end(), path.begin(), distortion);
    return draw(paths, pen - one / 2, one);
}

ImageSet draw_set(const std::vector<Glyph>& glyphs, int per_class, std::uint64_t seed,
                  Stream stream) {
    std::vector<std::vector<Path>> classes;
    for (const Glyph& glyph : glyphs) classes.push_back(flattened(glyph));
    ImageSet set{side, side, {}, {}};
    const std::size_t images = classes.size() * static_cast<std::size_t>(per_class);
    set.pixels.reserve(images * set.image_bytes());
    set.labels.reserve(images);
    for (int number = 0; number < per_class; ++number) {
        for (std::size_t label = 0; label < classes.size(); ++label) {
            const Random random(seed, stream, static_cast<std::uint32_t>(label),
                                static_cast<std::uint32_t>(number));
            const Image image = draw_image(classes[label], random);
            set.pixels.insert(set.pixels.end(), image.begin(), image.end());
            set.labels.push_back(static_cast<int>(label));
        }
    }
    return set;
}

}  // namespace

Dataset draw_glyphs(int classes, int per_class_train, int per_class_test, std::uint64_t seed) {
    const int fewest = std::min({classes, per_class_train, per_class_test});
    const std::int64_t most = std::int64_t{classes} * std::max(per_class_train, per_class_test);
    if (fewest < 1 || most > std::numeric_limits<std::int32_t>::max()) {
        fail(Exit::usage,
             "{} classes of {} training and {} test images cannot be drawn: give each a number of "
             "at least 1, with at most 2147483647 images in a set",
             classes, per_class_train, per_class_test);
    }
    const std::vector<Glyph> glyphs = draw_classes(classes, seed);
    return {"glyphs", draw_set(glyphs, per_class_train, seed, Stream::glyph_train),
            draw_set(glyphs, per_class_test, seed, Stream::glyph_test)};
}

Dataset default_glyphs() {
    return draw_glyphs(10, 1000, 200, 0);
}

}  // namespace siamc
