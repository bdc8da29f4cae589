#include "images.h"

#include <algorithm>
#include <numeric>

#include "data/dataset.h"
#include "sampling/random.h"

namespace siamc {

namespace {

ImageSet noise(const siamc_model& tables, long count) {
    ImageSet images;
    images.height = tables.image_dims[0];
    images.width = tables.image_dims[1];
    const auto bytes = static_cast<std::size_t>(tables.image_bytes);
    images.pixels.resize(static_cast<std::size_t>(count) * bytes);
    Random random(0, Stream::glyph_train);
    for (std::size_t i = 0; i < images.pixels.size();) {
        std::uint32_t word = random.next();
        for (int b = 0; b < 4 && i < images.pixels.size(); ++b, word >>= 8)
            images.pixels[i++] = static_cast<std::uint8_t>(word);
    }
    images.labels.resize(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < images.labels.size(); ++i)
        images.labels[i] = static_cast<int>(i % 10);
    return images;
}

}  // namespace

ImageSet bench_images(const std::string& data, const siamc_model& tables, long count) {
    if (data == "noise") return noise(tables, count);
    const ImageSet set = load_dataset(data, {.test = false}).train;
    Model(tables).check_images(set);
    std::vector<std::int32_t> images(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < images.size(); ++i)
        images[i] = static_cast<std::int32_t>(i % set.labels.size());
    return take(set, images);
}

ImageSet first_images(const ImageSet& images, long count) {
    std::vector<std::int32_t> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0);
    return take(images, numbers);
}

double share_of_zeros(const ImageSet& images) {
    const auto zeros = std::count(images.pixels.begin(), images.pixels.end(), 0);
    return static_cast<double>(zeros) / static_cast<double>(images.pixels.size());
}

float made_up_label(long tuple) {
    return tuple % 2 == 0 ? 1.0f : 0.0f;
}

int made_up_class(long image) {
    return static_cast<int>(image / 8 % 16);
}

}  // namespace siamc
