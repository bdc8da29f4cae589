"""PyTorch as it is: eager, with its fused Adam.

Convolutions get their channels last in memory, ReLU after max-pooling, on a quarter of the values,
and an allocator that keeps large blocks: each makes a step faster, all three together about twice.
"""

import ctypes
import itertools

import torch
import torch.nn.functional as F

from common import FROZEN_RATE, MARGIN, THREADS, Peer
from networks import Conv, Dense, Flatten, Normalize

torch.set_num_threads(THREADS)
torch.set_num_interop_threads(1)

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory():
    """Large tensors reuse memory; otherwise the kernel hands out and clears theirs each time."""
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, -1)  # never


ACTIVATIONS = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "none": torch.nn.Identity}


class ChannelsLastFlatten(torch.nn.Module):
    """Flattens in the order that the values have in memory, so that none moves."""

    def forward(self, x):
        return x.movedim(1, -1).flatten(1)


def dense(layer):
    return [torch.nn.Linear(layer.inputs, layer.outputs), ACTIVATIONS[layer.activation]()]


def conv(layer):
    modules = []
    padding = layer.size // 2 if layer.same else 0
    if layer.same and layer.size % 2 == 0:  # the odd zero right and below
        modules, padding = [torch.nn.ZeroPad2d(((layer.size - 1) // 2, layer.size // 2) * 2)], 0
    modules.append(torch.nn.Conv2d(layer.inputs, layer.outputs, layer.size, padding=padding))
    if layer.pool:
        modules.append(torch.nn.MaxPool2d(2))
    if layer.relu:
        modules.append(torch.nn.ReLU())
    return modules


class UnitLength(torch.nn.Module):

    def forward(self, x):
        return F.normalize(x, dim=1)


MODULES = {Dense: dense, Conv: conv, Flatten: lambda _: [ChannelsLastFlatten()],
           Normalize: lambda _: [UnitLength()]}


def to_torch(array):
    """A parameter, which in PyTorch has its outputs and inputs first."""
    tensor = torch.from_numpy(array)
    return tensor if tensor.ndim == 1 else tensor.movedim((-1, -2), (0, 1))


def to_numpy(tensor):
    """Undoes to_torch."""
    return (tensor if tensor.ndim == 1 else tensor.movedim((0, 1), (-1, -2))).numpy()


def make_net(network, params):
    net = torch.nn.Sequential(*(m for layer in network.layers for m in MODULES[type(layer)](layer)))
    net.to(memory_format=torch.channels_last)
    with torch.no_grad():
        for parameter, name in zip(net.parameters(), network.parameters):
            parameter.copy_(to_torch(params[name]))
    return net


def make_images(network, images):
    """Channels come second in PyTorch's shapes, and stay last in memory."""
    return torch.from_numpy(network.shaped(images)).movedim(-1, 1)


def embed(net, images):
    return net(images)


def distance(a, b):
    return torch.linalg.vector_norm(a - b, dim=1)


def contrastive(net, images, labels):
    e = embed(net, images).chunk(2)
    d = distance(e[0], e[1])
    return (labels * d.square() + (1 - labels) * F.relu(MARGIN - d).square()).mean()


def triplet(net, images, _):
    e = embed(net, images).chunk(3)
    return F.relu(distance(e[0], e[1]) - distance(e[0], e[2]) + MARGIN).mean()


def batch_hard(net, images, classes):
    """Mines on products of embeddings of length 1, then compares the few rows that it found: faster
    than gradients of a matrix of distances. An image is its own nearest positive, so never the
    farthest of several."""
    e = embed(net, images)
    with torch.no_grad():
        products = e @ e.T
        same = classes[:, None] == classes
        positive = products.masked_fill(~same, 2).argmin(1)
        negative = products.masked_fill(same, -2).argmax(1)
    return F.relu(distance(e, e.index_select(0, positive))
                  - distance(e, e.index_select(0, negative)) + MARGIN).mean()


LOSSES = {"contrastive": contrastive, "triplet": triplet, "batch_hard": batch_hard}


class PyTorchEager(Peer):
    modules = ("torch",)
    losses = LOSSES
    without = {"epoch": "PyTorch has no loop of its own to compare with"}

    def __init__(self, network):
        super().__init__(network)
        if network.convolves:
            keep_freed_memory()

    def prepared(self, function):
        """What becomes of a loss or embedding function before it is used."""
        return function

    def loss_and_gradients(self, loss, params, images, labels):
        net = make_net(self.network, params)
        images, labels = make_images(self.network, images), torch.from_numpy(labels)
        value = self.prepared(self.losses[loss])(net, images, labels)
        value.backward()
        gradients = [to_numpy(parameter.grad) for parameter in net.parameters()]
        return value.item(), dict(zip(self.network.parameters, gradients))

    def step(self, loss, params, batches):
        net = make_net(self.network, params)
        compute = self.prepared(self.losses[loss])
        adam = torch.optim.Adam(net.parameters(), lr=FROZEN_RATE, fused=True)
        turns = itertools.cycle([(make_images(self.network, images), torch.from_numpy(labels))
                                 for images, labels in batches])

        def once():
            adam.zero_grad()
            compute(net, *next(turns)).backward()
            adam.step()

        return once, lambda: {name: to_numpy(parameter.detach()) for name, parameter
                              in zip(self.network.parameters, net.parameters())}

    def embed(self, params, images):
        net = make_net(self.network, params).eval()
        compute = self.prepared(embed)
        images = make_images(self.network, images)

        def once():
            with torch.inference_mode():
                return compute(net, images).numpy()

        return once
