"""Images for all sides, and tuples for the epoch: MNIST's files, or noise of the same sizes.

Run as a program, `data.py FOLDER` writes the noise: hardly a pixel is 0, so our side, which skips
zeros, has none to skip. How long the peers take does not depend on what is on the images.
"""

import gzip
import struct
import sys
from pathlib import Path

import numpy as np

from common import SEED

SIDE, CLASSES = 28, 10
PARTS = {"train": 60_000, "t10k": 10_000}  # images


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


def draw(classes, wanted, rng):
    """For each wanted class one image of it."""
    by_class = [np.flatnonzero(classes == c) for c in range(CLASSES)]
    sizes = np.array([len(members) for members in by_class])
    drawn = (rng.random(len(wanted)) * sizes[wanted]).astype(np.int64)
    return np.concatenate(by_class)[np.concatenate([[0], sizes.cumsum()])[wanted] + drawn]


def sample(loss, classes, rng):
    """Indices [tuples, branches] and labels [tuples]: for each image one of its class and one of
    another, as two pairs or a triplet."""
    anchors = np.arange(len(classes))
    positives = draw(classes, classes, rng)
    others = (classes + rng.integers(1, CLASSES, len(classes))) % CLASSES
    negatives = draw(classes, others, rng)
    if loss == "triplet":
        return np.stack([anchors, positives, negatives], axis=1), np.zeros(len(classes), np.float32)
    partners = np.stack([positives, negatives], axis=1).ravel()
    return (np.stack([anchors.repeat(2), partners], axis=1),
            np.tile(np.array([1, 0], np.float32), len(classes)))


class Tuples:
    """Pairs or triplets as Keras wants them: a float32 array [tuples, 784] for each branch, and
    labels [tuples, 1]."""

    def __init__(self, folder, part, loss):
        images = read_idx(folder, f"{part}-images-idx3-ubyte").reshape(-1, SIDE * SIDE)
        classes = read_idx(folder, f"{part}-labels-idx1-ubyte").astype(np.int64)
        indices, labels = sample(loss, classes, np.random.default_rng(SEED))
        images = images.astype(np.float32) / np.float32(255)
        self.images = [images[branch] for branch in indices.T]
        self.labels = labels[:, None]


if __name__ == "__main__":
    write_made_up(sys.argv[1])
