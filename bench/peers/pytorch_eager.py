"""PyTorch as it is: eager, with its fused Adam."""

import torch
import torch.nn.functional as F

from common import BATCH, BRANCHES, LAYERS, FROZEN_RATE, MARGIN, THREADS, Peer

torch.set_num_threads(THREADS)
torch.set_num_interop_threads(1)


def make_net(params):
    layers = []
    for i, (inputs, outputs) in enumerate(LAYERS, start=1):
        dense = torch.nn.Linear(inputs, outputs)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(params[f"dense{i}.kernel"]).T)
            dense.bias.copy_(torch.from_numpy(params[f"dense{i}.bias"]))
        layers += [dense, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def gradients_of(net):
    found = {}
    for i, dense in enumerate((m for m in net if isinstance(m, torch.nn.Linear)), start=1):
        found[f"dense{i}.kernel"] = dense.weight.grad.T.numpy()
        found[f"dense{i}.bias"] = dense.bias.grad.numpy()
    return found


def embed(net, images):
    return F.normalize(net(images), dim=1)


def distance(a, b):
    return torch.linalg.vector_norm(a - b, dim=1)


def contrastive(net, images, labels):
    e = embed(net, images).view(2, -1, LAYERS[-1][1])
    d = distance(e[0], e[1])
    return (labels * d.square() + (1 - labels) * F.relu(MARGIN - d).square()).mean()


def triplet(net, images, _):
    e = embed(net, images).view(3, -1, LAYERS[-1][1])
    return F.relu(distance(e[0], e[1]) - distance(e[0], e[2]) + MARGIN).mean()


LOSSES = {"contrastive": contrastive, "triplet": triplet}


class PyTorchEager(Peer):
    modules = ("torch",)
    without = {"fc epoch": "PyTorch has no loop of its own to compare with"}

    def prepared(self, function):
        """What becomes of a loss or embedding function before it is used."""
        return function

    def loss_and_gradients(self, loss, params, images, labels):
        net = make_net(params)
        value = self.prepared(LOSSES[loss])(net, torch.from_numpy(images), torch.from_numpy(labels))
        value.backward()
        return value.item(), gradients_of(net)

    def step(self, loss, params, images, labels):
        net = make_net(params)
        compute = self.prepared(LOSSES[loss])
        adam = torch.optim.Adam(net.parameters(), lr=FROZEN_RATE, fused=True)
        images, labels = torch.from_numpy(images), torch.from_numpy(labels)
        assert images.shape[0] == BRANCHES[loss] * BATCH

        def once():
            adam.zero_grad()
            compute(net, images, labels).backward()
            adam.step()

        return once

    def embed(self, params, images):
        net = make_net(params).eval()
        compute = self.prepared(embed)
        images = torch.from_numpy(images)

        def once():
            with torch.inference_mode():
                return compute(net, images).numpy()

        return once
