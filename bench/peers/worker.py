"""One peer in a process of its own, `worker.py ADAPTER NETWORK`: answers one JSON line for each
that it is sent.

    {"do": "start"}                       -> {"versions": {...}, "without": {work: reason}}
    {"do": "check", "file": F}            -> {"errors": [what disagrees with F, in words]}
    {"do": "prepare", "work": W, ...}     -> {}
    {"do": "time", "work": W}             -> {"ms": median}
    anything that fails                   -> {"failed": why}
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
from common import BATCH, BRANCHES, NETWORKS

AGREES_WITHIN = 1e-4
NUDGE, NUDGES = 2e-7, 20
WARM_UP_S, TURN_S, BLOCK_S = 0.2, 0.8, 0.02


def relative_error(value, reference):
    value, reference = np.asarray(value, np.float64), np.asarray(reference, np.float64)
    if value.shape != reference.shape:
        return float("inf")
    return np.linalg.norm(value - reference) / max(np.linalg.norm(reference), 1e-30)


class Reference:
    """What our side wrote: parameters, a batch, and the losses, gradients and embeddings of it."""

    def __init__(self, path, parameters):
        self.tensors = load_file(path)
        self.params = {name: np.ascontiguousarray(self.tensors[f"params/{name}"], np.float32)
                       for name in parameters}
        self.images = self.tensors["images"].reshape(len(self.tensors["images"]), -1)

    def branches(self, loss):
        """Rows lie tuple by tuple there; peers take them branch by branch."""
        count = BRANCHES[loss]
        rows = self.images[:count * BATCH].reshape(BATCH, count, -1)
        return np.ascontiguousarray(rows.swapaxes(0, 1).reshape(count * BATCH, -1))

    def labels(self, loss):
        name = "classes" if loss == "batch_hard" else "labels"
        return self.tensors[name].reshape(-1).astype(np.float32)[:BATCH]

    def embeddings(self):
        return {k: v for k, v in self.tensors.items() if k.split("/")[0] == "embedding"}


def nudged(params, seed):
    """Parameters moved by about as much as float32 rounds."""
    rng = np.random.default_rng(seed)
    return {name: array * (1 + NUDGE * rng.standard_normal(array.shape, np.float32))
            for name, array in params.items()}


def differences(reference, values):
    """In words, each of `values` that differs from the reference's by more than allowed."""
    found = []
    for name, value in values.items():
        error = relative_error(value, reference.tensors[name])
        if not error <= AGREES_WITHIN:
            found.append(f"{name} differs by {error:.2g} of its norm")
    return found


def step_differences(peer, reference, loss, params):
    value, gradients = peer.loss_and_gradients(loss, params, reference.branches(loss),
                                               reference.labels(loss))
    return differences(reference, {f"loss/{loss}": [value],
                                   **{f"grad/{loss}/{name}": gradients[name]
                                      for name in peer.network.parameters}})


def disagreements(peer, reference):
    """In words, each tensor on which the peer and the reference differ by more than allowed.

    Of a batch's millions of values some are so near to 0 for ReLU, or to another for max-pooling,
    that rounding decides where their gradient goes, and one that goes elsewhere can be 1e-3 of the
    sum. So a peer whose gradients differ has a few more tries, with nudged parameters: they decide
    such cases anew, and change nothing else by a hundredth of what is allowed.
    """
    network, found = peer.network, []
    if network.step_works.keys() - peer.without.keys():
        for loss in network.losses:
            differ = step_differences(peer, reference, loss, reference.params)
            if differ and all(step_differences(peer, reference, loss,
                                               nudged(reference.params, seed))
                              for seed in range(NUDGES)):
                found += differ
    for name, expected in reference.embeddings().items():
        embeddings = peer.embed(reference.params, reference.images[:len(expected)])()
        found += differences(reference, {name: embeddings})
    return found


class Timer:
    """Median milliseconds of `once`, taken over blocks of calls that end with `wait`."""

    def __init__(self, once, wait):
        self.once, self.wait = once, wait
        self.block(1)  # compiles
        self.calls = max(1, round(BLOCK_S / min(self.block(10) for _ in range(5))))

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
        self.turns = {}

    def start(self):
        module, name = self.adapter.split(".")
        self.peer = getattr(importlib.import_module(module), name)(self.network)
        return {"versions": {m: importlib.metadata.version(m) for m in self.peer.modules},
                "without": self.peer.without}

    def check(self, file):
        self.reference = Reference(file, self.network.parameters)
        return {"errors": disagreements(self.peer, self.reference)}

    def prepare(self, work, data_folder):
        reference = self.reference
        if work in self.network.epoch_works:
            seconds = self.peer.epoch(reference.params, *data.load_pairs(data_folder))
            self.turns[work] = lambda: seconds() * 1e3
        elif work in self.network.step_works:
            loss = self.network.step_works[work]
            once = self.peer.step(loss, reference.params, reference.branches(loss),
                                  reference.labels(loss))
            self.turns[work] = Timer(once, self.peer.wait).turn
        else:
            count = self.network.embed_works[work]
            once = self.peer.embed(reference.params, reference.images[:count])
            self.turns[work] = Timer(once, self.peer.wait).turn
        return {}

    def time(self, work):
        return {"ms": self.turns[work]()}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    worker = Worker(sys.argv[1], NETWORKS[sys.argv[2]])
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
