"""The networks that are compared: those of models' files whose layers all peers have a form of."""

import tomllib
from dataclasses import dataclass, replace
from inspect import signature
from math import isclose, prod
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Models that are linked into our programs; any other is named by its file.
LINKED = {"fc": ROOT / "models" / "fc.toml", "cnn": ROOT / "models" / "cnn.toml",
          "fc_batch": ROOT / "bench" / "fc_batch.toml"}
BYTE = 1 / 255  # what a stored pixel is multiplied by: our side writes the peers' images so


class NoForm(Exception):
    """The peers cannot say what a model says."""


@dataclass(frozen=True)
class Dense:
    """A product with a kernel (in, out), plus a bias; then "relu", "sigmoid" or "none"."""
    name: str
    inputs: int
    outputs: int
    activation: str


@dataclass(frozen=True)
class Conv:
    """A convolution of stride 1 with `size` x `size` windows, kernel (height, width, in, out), plus
    a bias; `same` keeps the image's size, the odd zero right and below. Then ReLU, if `relu`, and
    2x2 max-pooling, if `pool`, which leaves out a last odd line or column.

    ReLU and max-pooling may change places, with the same values and gradients: an adapter takes
    the faster order.
    """
    name: str
    inputs: int
    outputs: int
    size: int
    same: bool
    relu: bool
    pool: bool


@dataclass(frozen=True)
class Flatten:
    """An image to a row: line by line, pixel by pixel, all channels of a pixel together."""
    height: int
    width: int
    channels: int


@dataclass(frozen=True)
class Normalize:
    """Rows to length 1."""


class Network:
    """What a model's file describes.

    `model` is what our programs call it; `stored` the shape of an image in a file, `image` the one
    in which the first layer takes it: a row of pixels, or an image with its channels last.
    """

    def __init__(self, model, stored, layers, losses):
        self.model, self.layers, self.losses = model, layers, losses
        self.name = Path(model).stem
        self.parameters = tuple(f"{layer.name}.{part}" for layer in layers if hasattr(layer, "name")
                                for part in ("kernel", "bias"))
        self.convolves = any(isinstance(layer, Conv) for layer in layers)
        self.normalizes = isinstance(layers[-1], Normalize)
        self.embedding = next(layer.outputs for layer in reversed(layers)
                              if isinstance(layer, Dense))
        self.pixels = prod(stored)
        self.image = as_image(stored) if self.convolves else (self.pixels,)

    def shaped(self, images):
        """Rows of pixels as the first layer takes them."""
        return images.reshape(-1, *self.image)


class Reader:
    """Goes through a model's layers with the shape of what each of them gets."""

    def __init__(self, shape):
        self.shape = as_image(shape)
        self.layers = []
        self.numbers = {}

    def name(self, kind):
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return f"{kind}{self.numbers[kind]}"

    def conv2d(self, filters, kernel, padding="valid", activation="none"):
        if activation not in ("none", "relu") or padding not in ("valid", "same"):
            raise NoForm(f'a convolution with "{activation}" and "{padding}"')
        height, width, channels = self.shape
        self.layers.append(Conv(self.name("conv2d"), channels, filters, kernel, padding == "same",
                                activation == "relu", pool=False))
        less = 0 if padding == "same" else kernel - 1
        self.shape = [height - less, width - less, filters]

    def max_pool(self, window=2):
        last = self.layers[-1] if self.layers else None
        if window != 2 or not isinstance(last, Conv) or last.pool:
            raise NoForm("max_pool that is not 2 x 2 behind a convolution")
        self.layers[-1] = replace(last, pool=True)
        self.shape = [self.shape[0] // 2, self.shape[1] // 2, self.shape[2]]

    def flatten(self):
        if len(self.shape) == 3:
            if self.layers:
                self.layers.append(Flatten(*self.shape))
            height, width, channels = self.shape
            self.shape = [height * width * channels]

    def dense(self, units, activation="none"):
        if activation not in ("none", "relu", "sigmoid"):
            raise NoForm(f'a dense layer with "{activation}"')
        self.flatten()
        self.layers.append(Dense(self.name("dense"), self.shape[0], units, activation))
        self.shape = [units]

    def l2_normalize(self):
        self.layers.append(Normalize())


FORMS = {name: getattr(Reader, name)
         for name in ("conv2d", "max_pool", "flatten", "dense", "l2_normalize")}


def as_image(shape):
    """With its channels last, be there but one."""
    return (*shape, 1) if len(shape) == 2 else tuple(shape)


def read_network(model):
    """The network that our programs take as --model `model`. NoForm if a layer, a distance or the
    images are such as the peers do not have here."""
    tables = tomllib.loads(Path(LINKED.get(model, model)).read_text())
    if tables["distance"]["type"] != "euclidean":
        raise NoForm(f"the distance {tables['distance']['type']}")
    stored = tables["input"]["shape"]
    if not isclose(tables["input"].get("scale", 1), BYTE, rel_tol=1e-6):
        raise NoForm("images with a scale that is not 1 / 255")
    reader = Reader(stored)
    for layer in tables["layer"]:
        attributes = dict(layer)
        kind = attributes.pop("type")
        form = FORMS.get(kind)
        if not form or not set(attributes) <= set(signature(form).parameters):
            raise NoForm(f"a layer {layer}")
        form(reader, **attributes)
    return Network(model, stored, tuple(reader.layers), tuple(tables["loss"]))
