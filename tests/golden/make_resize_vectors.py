#!/usr/bin/env python3
"""Makes resize_vectors.json: small images in other sizes, as Pillow makes them.

Run it where Pillow and numpy are: python3 tests/golden/make_resize_vectors.py

What siamc_image.h calls fill is Pillow's resize(..., BILINEAR) to the new width and then to the new
height; crop and fit are that of a part, and within margins, as written out below.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

OUTPUT = Path(__file__).with_name("resize_vectors.json")
SIZES = [  # height, width, channels, height and width to make
    (1, 1, 1, 3, 2), (7, 5, 1, 7, 5), (9, 4, 1, 4, 9), (4, 9, 3, 3, 3), (13, 21, 1, 6, 6),
    (30, 11, 3, 5, 8), (5, 6, 1, 12, 17), (40, 3, 1, 4, 4), (3, 40, 1, 4, 4), (23, 23, 3, 8, 8),
]


def resized(image, height, width):
    for size in ((width, image.shape[0]), (width, height)):
        picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
        image = np.asarray(picture.resize(size, Image.BILINEAR)).reshape(size[1], size[0], -1)
    return image


def rounded(numerator, denominator, most):
    """Of a quotient, half up, between 1 and `most`."""
    return min(most, max(1, (2 * numerator + denominator) // (2 * denominator)))


def crop(image, height, width):
    h, w, _ = image.shape
    if w * height > h * width:
        inner = h, rounded(h * width, height, w)
    else:
        inner = rounded(w * height, width, h), w
    top, left = (h - inner[0]) // 2, (w - inner[1]) // 2
    return resized(image[top:top + inner[0], left:left + inner[1]].copy(), height, width)


def fit(image, height, width):
    h, w, channels = image.shape
    if w * height > h * width:
        inner = rounded(h * width, w, height), width
    else:
        inner = height, rounded(w * height, h, width)
    edge = np.ones((h, w), bool)
    edge[1:-1, 1:-1] = False
    margin = [np.sort(image[:, :, c][edge])[(edge.sum() + 1) // 2 - 1] for c in range(channels)]
    result = np.empty((height, width, channels), np.uint8)
    result[:] = margin
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    result[top:top + inner[0], left:left + inner[1]] = resized(image, *inner)
    return result


def main():
    chance = np.random.default_rng(20261128)
    cases = []
    for h, w, channels, height, width in SIZES:
        image = chance.integers(0, 256, (h, w, channels), np.uint8)
        image[chance.integers(0, 2, (h, w)) == 0] = 255
        for mode, function in (("fit", fit), ("fill", resized), ("crop", crop)):
            cases.append({"mode": mode, "from": [h, w, channels], "to": [height, width],
                          "pixels": image.tobytes().hex(),
                          "result": function(image, height, width).tobytes().hex()})
    OUTPUT.write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")


if __name__ == "__main__":
    main()
