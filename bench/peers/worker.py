"""One peer in a process of its own, `worker.py ADAPTER MODEL`: answers one JSON line for each that
it is sent.

    {"do": "start"}                       -> {"versions": {...}, "without": {kind: reason}}
    {"do": "check", "file": F, "few": G, "loss": L}
                                          -> {"errors": [what disagrees with them, in words]}
    {"do": "prepare", "work": W, ...}     -> {}
    {"do": "time", "work": W}             -> {"ms": median}
    {"do": "active", "work": W}           -> {"share": of a step's tuples, at its weights now}
    anything that fails                   -> {"failed": why}

A work is a dictionary of common.Work's fields; F is what it was checked with, G the same of a few
tuples.
"""

import importlib
import importlib.metadata
import json
import os
import statistics
import sys
import time
import traceback

import numpy as np
from safetensors.numpy import load_file

import data
from common import BRANCHES, MARGIN
from networks import read_network

AGREES_WITHIN = 1e-4
NUDGE, NUDGES = 2e-7, 20
WARM_UP_S, TURN_S, BLOCK_S = 0.2, 0.8, 0.02


def relative_error(value, reference):
    value, reference = np.asarray(value, np.float64), np.asarray(reference, np.float64)
    if value.shape != reference.shape:
        return float("inf")
    return np.linalg.norm(value - reference) / max(np.linalg.norm(reference), 1e-30)


class Reference:
    """What our side wrote: parameters, a loss's batches, and of the first batch the loss, gradients
    and embeddings."""

    def __init__(self, path, loss, parameters):
        self.loss = loss
        self.tensors = load_file(path)
        self.params = {name: np.ascontiguousarray(self.tensors[f"params/{name}"], np.float32)
                       for name in parameters}
        self.images, self.labels = self.tensors["images"], self.tensors["labels"]
        self.batch = len(self.tensors["embedding"]) // BRANCHES[loss]  # tuples

    def batches(self):
        """(images, labels) of each. Rows lie tuple by tuple there; peers take them branch by
        branch."""
        pixels = self.images.shape[1]
        rows = self.images.reshape(-1, self.batch, BRANCHES[self.loss], pixels).swapaxes(1, 2)
        return [(np.ascontiguousarray(images.reshape(-1, pixels)), labels)
                for images, labels in zip(rows, self.labels.reshape(-1, self.batch))]


def nudged(params, seed):
    """Parameters moved by about as much as float32 rounds."""
    rng = np.random.default_rng(seed)
    return {name: array * (1 + NUDGE * rng.standard_normal(array.shape, np.float32))
            for name, array in params.items()}


def differing(name, value, reference):
    """In words, that they differ by more than allowed; nothing if they do not."""
    error = relative_error(value, reference)
    return [] if error <= AGREES_WITHIN else [f"{name} differs by {error:.2g} of its norm"]


def step_differences(peer, reference, params):
    """Tensor by tensor, but for the last layer of a network whose embeddings have any length: the
    images of a pair send its bias up and down by nearly the same, and what is left is rounding. So
    there kernel and bias are one vector."""
    value, gradients = peer.loss_and_gradients(reference.loss, params, *reference.batches()[0])
    found = differing("loss", [value], reference.tensors["loss"])
    names = [(name,) for name in peer.network.parameters]
    if not peer.network.normalizes:
        names[-2:] = [names[-2] + names[-1]]
    for together in names:
        theirs = np.concatenate([np.ravel(gradients[name]) for name in together])
        ours = np.concatenate([np.ravel(reference.tensors[f"grad/{name}"]) for name in together])
        found += differing(f"the gradient of {' and '.join(together)}", theirs, ours)
    return found


def disagreements(peer, reference, few):
    """In words, each tensor on which the peer and the reference differ by more than allowed:
    embeddings of a batch, loss and gradients of a few tuples.

    Of a batch's millions of values some are so near to 0 for ReLU or a hinge, or to another for
    max-pooling, that rounding decides where their gradient goes, and one that goes elsewhere can be
    1e-3 of the sum. Of a few tuples there are fewer, and a peer whose gradients differ has more
    tries, with nudged parameters: they decide such cases anew, and change nothing else by a
    hundredth of what is allowed.
    """
    found = []
    if "step" not in peer.without:
        differ = step_differences(peer, few, few.params)
        if differ and all(step_differences(peer, few, nudged(few.params, seed))
                          for seed in range(NUDGES)):
            found += differ
    first = reference.images[:len(reference.tensors["embedding"])]
    embedding = peer.embed(reference.params, first)()
    return found + differing("embedding", embedding, reference.tensors["embedding"])


def share_of_active(peer, reference, params):
    """Of the tuples that cost something with these parameters: the others have no gradient."""
    embeddings = peer.embed(params, reference.images)()
    tuples = embeddings.reshape(-1, BRANCHES[reference.loss], peer.network.embedding)
    first, *others = np.moveaxis(tuples, 1, 0)
    distances = [np.linalg.norm(first - other, axis=1) for other in others]
    if reference.loss == "triplet":
        active = distances[0] - distances[1] + MARGIN > 0
    else:
        active = (reference.labels == 1) | (distances[0] < MARGIN)
    return float(active.mean())


class Timer:
    """Median milliseconds of `once`, taken over blocks of calls that end with `wait`."""

    def __init__(self, once, wait):
        self.once, self.wait = once, wait
        self.block(1)  # compiles
        once = self.block(1)
        if once < BLOCK_S:
            once = min(self.block(10) for _ in range(5))
        self.calls = max(1, round(BLOCK_S / once))

    def block(self, calls):
        start = time.perf_counter()
        for _ in range(calls):
            result = self.once()
        self.wait(result)
        return (time.perf_counter() - start) / calls

    def run(self, seconds):
        end = time.perf_counter() + seconds
        times = [self.block(self.calls)]
        while time.perf_counter() < end:
            times.append(self.block(self.calls))
        return statistics.median(times) * 1e3

    def turn(self):
        self.run(WARM_UP_S)
        return self.run(TURN_S)


class Worker:
    def __init__(self, adapter, network):
        self.adapter = adapter
        self.network = network
        self.references = {}  # of files
        self.turns = {}       # of works' names
        self.current = {}     # parameters of steps, likewise

    def start(self):
        module, name = self.adapter.split(".")
        self.peer = getattr(importlib.import_module(module), name)(self.network)
        return {"versions": {m: importlib.metadata.version(m) for m in self.peer.modules},
                "without": self.peer.without}

    def check(self, file, few, loss):
        self.references[file] = Reference(file, loss, self.network.parameters)
        few = Reference(few, loss, self.network.parameters)
        return {"errors": disagreements(self.peer, self.references[file], few)}

    def prepare(self, work, file, data_folder):
        reference, loss, name = self.references[file], work["loss"], work["name"]
        if work["kind"] == "epoch":
            train, test = (data.Tuples(data_folder, part, loss) for part in data.PARTS)
            seconds = self.peer.epoch(loss, reference.params, train, test)
            self.turns[name] = lambda: seconds() * 1e3
            return {}
        if work["kind"] == "step":
            once, self.current[name] = self.peer.step(loss, reference.params, reference.batches())
        else:
            once = self.peer.embed(reference.params, reference.images[:work["images"]])
        self.turns[name] = Timer(once, self.peer.wait).turn
        return {}

    def time(self, work):
        return {"ms": self.turns[work["name"]]()}

    def active(self, work, file):
        params = self.current[work["name"]]()
        return {"share": share_of_active(self.peer, self.references[file], params)}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    worker = Worker(sys.argv[1], read_network(sys.argv[2]))
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = getattr(worker, command.pop("do"))(**command)
        except Exception as error:  # a peer that can't do one work may do the others
            traceback.print_exc()
            answer = {"failed": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
