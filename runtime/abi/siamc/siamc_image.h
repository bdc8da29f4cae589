/* Images of any size as a model reads them: what programs do to what people have, for C (C99) too.
 * It stands alone: no model, no library.
 *
 *     size_t bytes = siamc_resize_scratch(h, w, 1, 28, 28);
 *     siamc_resize(pixels, h, w, 1, input, 28, 28, SIAMC_FIT, malloc(bytes));
 */
#ifndef SIAMC_IMAGE_H
#define SIAMC_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum siamc_resize_mode {
    SIAMC_FIT,  /* the whole image, its sides in proportion, in the middle; the margins are the
                   median  of the image's outermost pixels, channel by channel */
    SIAMC_FILL, /* the whole image, each side stretched to the size */
    SIAMC_CROP  /* its middle, sides in proportion, as large as fills the size */
};

enum { SIAMC_LONGEST_SIDE = 1 << 15 };

/* ITU-R BT.601's luma of a pixel, rounded. */
static inline uint8_t siamc_luma(uint8_t red, uint8_t green, uint8_t blue) {
    return (uint8_t)((19595u * red + 38470u * green + 7471u * blue + 32768u) >> 16);
}

/* What follows is siamc_resize's own. */

static inline int64_t siamc_absolute_(int64_t value) {
    return value < 0 ? -value : value;
}

/* Weights of a line of `from` pixels for pixel `at` of `to`: a triangle as wide as two pixels of
 * the coarser of the two grids, in 1/2^22, added up to that but for rounding. Distances are counted
 * in 1/(2 to) of a pixel, so all of it is whole numbers and every machine has the same. Returns the
 * first pixel and sets how many there are. */
static inline int siamc_weights_(int from, int to, int at, int32_t* weights, int* count) {
    const int64_t half = 2 * (int64_t)(from > to ? from : to);
    const int64_t middle = (2 * (int64_t)at + 1) * from;
    int64_t sum = 0;
    int first = 0, last = from - 1, x;
    while (half <= middle - (2 * (int64_t)first + 1) * to) ++first;
    while (half <= (2 * (int64_t)last + 1) * to - middle) --last;
    for (x = first; x <= last; ++x)
        sum += half - siamc_absolute_((2 * (int64_t)x + 1) * to - middle);
    for (x = first; x <= last; ++x) {
        const int64_t weight = half - siamc_absolute_((2 * (int64_t)x + 1) * to - middle);
        weights[x - first] = (int32_t)(((weight << 23) + sum) / (2 * sum));
    }
    *count = last - first + 1;
    return first;
}

static inline uint8_t siamc_weighted_(const uint8_t* pixels, size_t step, const int32_t* weights,
                                      int count) {
    int64_t sum = 1 << 21;
    int x;
    for (x = 0; x < count; ++x) sum += (int64_t)weights[x] * pixels[(size_t)x * step];
    return (uint8_t)(sum >= (int64_t)256 << 22 ? 255 : sum >> 22);
}

struct siamc_view_ {
    const uint8_t* pixels;
    int height, width, channels;
    size_t line; /* bytes from a line to the next */
};

/* First along lines, rounded to bytes, then along columns. */
static inline void siamc_resample_(struct siamc_view_ from, uint8_t* to, int height, int width,
                                   size_t line, void* scratch) {
    int32_t* weights = (int32_t*)scratch;
    uint8_t* narrow = (uint8_t*)(weights + (from.height > from.width ? from.height : from.width));
    const size_t narrow_line = (size_t)width * (size_t)from.channels;
    int x, y, c, count, first;
    for (x = 0; x < width; ++x) {
        first = siamc_weights_(from.width, width, x, weights, &count);
        for (y = 0; y < from.height; ++y)
            for (c = 0; c < from.channels; ++c)
                narrow[(size_t)y * narrow_line + (size_t)(x * from.channels + c)] = siamc_weighted_(
                    from.pixels + (size_t)y * from.line + (size_t)(first * from.channels + c),
                    (size_t)from.channels, weights, count);
    }
    for (y = 0; y < height; ++y) {
        first = siamc_weights_(from.height, height, y, weights, &count);
        for (x = 0; x < width * from.channels; ++x)
            to[(size_t)y * line + (size_t)x] = siamc_weighted_(
                narrow + (size_t)first * narrow_line + (size_t)x, narrow_line, weights, count);
    }
}

/* The smaller of the two middle ones. */
static inline uint8_t siamc_edge_median_(struct siamc_view_ image, int channel) {
    uint32_t counts[256] = {0}, all = 0, seen = 0;
    int x, y, value;
    for (y = 0; y < image.height; ++y)
        for (x = 0; x < image.width;
             x += y == 0 || y == image.height - 1 || image.width == 1 ? 1 : image.width - 1) {
            ++counts[image.pixels[(size_t)y * image.line + (size_t)(x * image.channels + channel)]];
            ++all;
        }
    for (value = 0; value < 255; ++value)
        if ((seen += counts[value]) * 2 >= all) break;
    return (uint8_t)value;
}

/* side * numerator / denominator, rounded, between 1 and `most`. */
static inline int siamc_scaled_(int side, int numerator, int denominator, int most) {
    const int64_t scaled =
        (2 * (int64_t)side * numerator + denominator) / (2 * (int64_t)denominator);
    return scaled < 1 ? 1 : scaled > most ? most : (int)scaled;
}

/* Bytes that siamc_resize needs for itself. */
static inline size_t siamc_resize_scratch(int height, int width, int channels, int to_height,
                                          int to_width) {
    (void)to_height;
    return sizeof(int32_t) * (size_t)(height > width ? height : width) +
           (size_t)height * (size_t)to_width * (size_t)channels;
}

/* `pixels` [height][width][channels] to `to` [to_height][to_width][channels]; sides are 1 to
 * SIAMC_LONGEST_SIDE, channels 1 to 4. `scratch`: aligned for int32_t, not the caller's after.
 * Bilinear, smoothed where it shrinks; the same bytes as Pillow's resize(..., BILINEAR) to the new
 * width and then to the new height. */
static inline void siamc_resize(const uint8_t* pixels, int height, int width, int channels,
                                uint8_t* to, int to_height, int to_width,
                                enum siamc_resize_mode mode, void* scratch) {
    struct siamc_view_ view;
    const int wider = (int64_t)width * to_height > (int64_t)height * to_width;
    const size_t line = (size_t)to_width * (size_t)channels;
    int inner_height = to_height, inner_width = to_width, c;
    size_t at;
    view.pixels = pixels;
    view.height = height;
    view.width = width;
    view.channels = channels;
    view.line = (size_t)width * (size_t)channels;
    if (mode == SIAMC_CROP) {
        if (wider)
            view.width = siamc_scaled_(height, to_width, to_height, width);
        else
            view.height = siamc_scaled_(width, to_height, to_width, height);
        view.pixels += (size_t)((height - view.height) / 2) * view.line +
                       (size_t)((width - view.width) / 2) * (size_t)channels;
    } else if (mode == SIAMC_FIT) {
        if (wider)
            inner_height = siamc_scaled_(height, to_width, width, to_height);
        else
            inner_width = siamc_scaled_(width, to_height, height, to_width);
        for (c = 0; c < channels; ++c) {
            const uint8_t margin = siamc_edge_median_(view, c);
            for (at = (size_t)c; at < line * (size_t)to_height; at += (size_t)channels)
                to[at] = margin;
        }
    }
    to += (size_t)((to_height - inner_height) / 2) * line +
          (size_t)((to_width - inner_width) / 2) * (size_t)channels;
    siamc_resample_(view, to, inner_height, inner_width, line, scratch);
}

#ifdef __cplusplus
}
#endif

#endif
