// A data set as programs use it, and the ways to take a part of one.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/image_set.h"
#include "siamc/siamc_image.h"

namespace siamc {

struct Dataset {
    std::string name;      // of the folder or of the set in it
    ImageSet train, test;  // what wasn't asked for is empty
};

// What pictures of any size are made into.
struct PictureSize {
    int height = 0, width = 0, channels = 1;
};

// What to read of a data set.
struct DataRequest {
    bool train = true, test = true;  // nothing else needs to be there
    bool transposed = false;         // images are stored column by column, as EMNIST's
    bool inverted = false;           // 255 less each value is wanted: of dark ink on white paper
    PictureSize size = {};           // of pictures, whose own size is any; no pixels: not read
    siamc_resize_mode resize = SIAMC_FIT;
    // Called with height and width before any pixel is read; throws if they are of no use. Not of
    // pictures.
    std::function<void(int, int)> check_size = {};
};

// Reads a data set: "glyphs" (glyphs.h), or what a path names in one of the forms of formats.h.
// missing_input if there is nothing of that name or a file of it is missing, usage if it is not
// clear which set is meant, bad_data if files are damaged, if training and test images differ in
// size or if nothing there is of a known form; the form's own errors.
Dataset load_dataset(const std::string& data, const DataRequest& request = {});

// The images of the given numbers, in their order.
ImageSet take(const ImageSet& set, std::span<const std::int32_t> images);

// Images of the same size behind those of a set, whose names of classes are the same.
void append(ImageSet& set, const ImageSet& more);

// The images of some classes, or of all others, in the set's order; labels stay as they are. usage
// if the set has no image of one of the classes, or if nothing is left.
ImageSet take_classes(const ImageSet& set, const std::vector<int>& classes);
ImageSet without_classes(const ImageSet& set, const std::vector<int>& classes);

// Of size, pixels and labels: equal for equal sets, on every machine.
std::string images_hash(const ImageSet& set);

// 255 less each value.
void invert(std::vector<std::uint8_t>& pixels);

// Each image again, turned by 90, 180 and 270 degrees, as images of three further classes for each
// class: Omniglot's habit (Santoro et al. 2016). Labels of the turned are those of the upright and
// once, twice or three times as many as the largest label and 1. usage unless images are square.
void add_quarter_turns(ImageSet& set);

// Columns become rows and rows columns, of every image; height and width are exchanged.
void transpose(ImageSet& set);

}  // namespace siamc
