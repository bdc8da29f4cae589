"""Our side of the comparison: the built programs, run one after the other."""

import csv
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from common import EPOCH, FEW_TUPLES, LEARNING_RATE, SEED, THREADS, TUPLE_LOSSES


class Failed(Exception):
    """One of our programs did not do what it should."""


class Ours:
    def __init__(self, build, network, works, batch, data, launch):
        """Steps of `batch` tuples; `data` as our programs take it. `launch` holds the arguments of
        subprocess.run that every timed process shares."""
        self.bench = Path(build, "bin", "bench_models")
        self.train = Path(build, "bin", "train_generated")
        self.network = network
        self.works = works
        self.batch = batch
        self.data = data
        self.launch = launch
        self.weights = {}     # of starts of trained works: options of bench_models
        self.references = {}  # of starts: files
        self.few = {}         # likewise, with gradients of a few tuples
        self.active = {}      # of steps' names: the share of tuples that have a gradient

    def missing(self):
        return [str(p) for p in (self.bench, self.train) if not p.exists()]

    def run(self, program, *options):
        command = [str(c) for c in (program, "--model", self.network.model,
                                    "--data", self.data, *options)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self.launch)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}\nended with {done.returncode}: "
                         f"{done.stderr.strip()[-1000:]}")
        return done.stdout

    def prepare(self, folder):
        """Trains and writes in `folder` what the works start from."""
        for number, start in enumerate(dict.fromkeys(work.start for work in self.works)):
            loss, trained = start
            if trained:
                run = Path(folder, f"run-{number}")
                self.train_for(loss, trained, run)
                self.weights[start] = ("--weights", run / "weights.safetensors")
            self.references[start] = self.write_reference(
                start, self.batch, Path(folder, f"reference-{number}.safetensors"))
            self.few[start] = self.references[start]
            if loss in TUPLE_LOSSES:
                self.few[start] = self.write_reference(
                    start, FEW_TUPLES, Path(folder, f"few-{number}.safetensors"))

    def write_reference(self, start, batch, file):
        self.run(self.bench, "--batch", batch, "--loss", start[0], *self.weights.get(start, ()),
                 "--check", file)
        return file

    def train_for(self, loss, epochs, folder):
        """As Keras trains for its epoch. The rate is constant, so that a run of 5 epochs ends where
        one of 10 stands after 5."""
        self.run(self.train, "--loss", loss, "--optimizer", "adam", "--recipe", "plain",
                 "--schedule", "constant", "--rate", LEARNING_RATE, "--epochs", epochs,
                 "--batch", self.batch, "--seed", SEED, "--threads", THREADS, "--out", folder)

    def times(self):
        """{name of a work: milliseconds} of one turn."""
        times = {}
        for start in dict.fromkeys(work.start for work in self.works if work.kind != "epoch"):
            times |= self.bench_times(start)
        return times | {work.name: self.epoch(work.loss)
                        for work in self.works if work.kind == "epoch"}

    def bench_times(self, start):
        loss, trained = start
        found = json.loads(self.run(self.bench, "--json", "--threads", THREADS, "--batch", self.batch,
                                    "--loss", loss, *self.weights.get(start, ())))
        steps = {row["loss"]: row for row in found["rows"] if row["optimizer"] == "adam"}
        embeds = {row["batch"]: row["embed_us"] for row in found["rows"] if row["loss"] == "embed"}
        times = {}
        for work in self.works:
            if work.start != start:
                continue
            if work.kind == "embed":
                times[work.name] = embeds[work.images] / 1e3
            elif work.kind == "step":
                times[work.name] = steps[loss]["step_ms"]
                self.active[work.name] = steps[loss]["active"]
                # Labels of distinct pairs are made up, which a trained network would not bear.
                if loss == "contrastive" and not trained:
                    times[distinct(work)] = steps["contrastive_distinct"]["step_ms"]
                    self.active[distinct(work)] = steps["contrastive_distinct"]["active"]
        return times

    def epoch(self, loss):
        folder = tempfile.mkdtemp(prefix="siamc-compare-")
        try:
            self.train_for(loss, EPOCH, Path(folder, "run"))
            with Path(folder, "run", "metrics.csv").open() as metrics:
                return float(list(csv.DictReader(metrics))[-1]["seconds"]) * 1e3
        finally:
            shutil.rmtree(folder)


def distinct(work):
    """The name of our row on pairs in which no image occurs twice. It is held against the peers'
    time of the work itself, since peers compute every image of every pair."""
    return f"{work.name}, distinct"
