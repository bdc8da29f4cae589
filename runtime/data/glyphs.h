// The embedded data set: made-up glyphs, so that everything works without a network.
#pragma once

#include <cstdint>

#include "data/dataset.h"

namespace siamc {

// Draws 28 x 28 glyphs, white on black, labels 0 … classes - 1 in turn (image i is of class
// i % classes).
//
// A class is a few strokes - lines, arcs, waves, loops - chosen by seed and class; candidates that
// look like an earlier class are passed over, so hundreds of classes stay apart. Every image is
// that class with its own affine and elastic distortion and pen width, chosen by seed, class and
// number; class c, and its image number k, are the same whatever the three counts are.
//
// All arithmetic is on integers, so every machine draws the same bits. usage unless there is at
// least one class and each set has at least one image and at most 2^31 - 1.
Dataset draw_glyphs(int classes, int per_class_train, int per_class_test, std::uint64_t seed);

// What `--data glyphs` means: 10 classes, 1,000 training and 200 test images of each, as a stand-in
// for MNIST.
Dataset default_glyphs();

}  // namespace siamc
