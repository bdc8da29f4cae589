"""Images for all sides, and pairs for the epoch: MNIST's files, or noise of the same sizes.

Run as a program, `data.py FOLDER` writes the noise: hardly a pixel is 0, so our side, which skips
zeros, has none to skip. How long the peers take does not depend on what is on the images.
"""

import gzip
import struct
import sys
from pathlib import Path

import numpy as np

from common import (CLASSES, PIXELS, SEED, SIDE, TEST_IMAGES, TEST_PAIRS, TRAIN_IMAGES,
                    TRAIN_PAIRS)

PARTS = {"train": TRAIN_IMAGES, "t10k": TEST_IMAGES}


def read_idx(folder, name):
    plain = Path(folder, name)
    if plain.exists():
        raw = plain.read_bytes()
    else:
        raw = gzip.decompress(Path(folder, name + ".gz").read_bytes())
    dims = struct.unpack_from(f">{raw[3]}I", raw, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * len(dims)).reshape(dims)


def write_idx(path, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.tobytes())


def write_made_up(folder):
    """One random picture a class, each image a noisy copy of its own class's."""
    rng = np.random.default_rng(SEED)
    pictures = rng.integers(0, 192, (CLASSES, SIDE, SIDE), np.uint8)
    for part, count in PARTS.items():
        labels = (np.arange(count) % CLASSES).astype(np.uint8)
        images = pictures[labels] + rng.integers(0, 64, (count, SIDE, SIDE), np.uint8)
        write_idx(Path(folder, f"{part}-images-idx3-ubyte"), images)
        write_idx(Path(folder, f"{part}-labels-idx1-ubyte"), labels)


def sample_pairs(classes, count, rng):
    """Indices [count, 2] and labels [count]: for each image one of its class, one of another."""
    first = np.arange(count) // 2 % len(classes)
    similar = (np.arange(count) + 1) % 2
    by_class = [np.flatnonzero(classes == c) for c in range(CLASSES)]
    other = (classes[first] + (1 - similar) * rng.integers(1, CLASSES, count)) % CLASSES
    sizes = np.array([len(members) for members in by_class])
    drawn = (rng.random(count) * sizes[other]).astype(np.int64)
    second = np.concatenate(by_class)[np.concatenate([[0], sizes.cumsum()])[other] + drawn]
    return np.stack([first, second], axis=1), similar.astype(np.float32)


class Pairs:
    """Pairs as Keras wants them: two float32 arrays [pairs, 784] and labels [pairs, 1]."""

    def __init__(self, folder, part, count):
        images = read_idx(folder, f"{part}-images-idx3-ubyte").reshape(-1, PIXELS)
        classes = read_idx(folder, f"{part}-labels-idx1-ubyte").astype(np.int64)
        indices, labels = sample_pairs(classes, count, np.random.default_rng(SEED))
        images = images.astype(np.float32) / np.float32(255)
        self.images = [images[indices[:, 0]], images[indices[:, 1]]]
        self.labels = labels[:, None]


def load_pairs(folder):
    """(training, test) pairs of the epoch."""
    return Pairs(folder, "train", TRAIN_PAIRS), Pairs(folder, "t10k", TEST_PAIRS)


if __name__ == "__main__":
    write_made_up(sys.argv[1])
