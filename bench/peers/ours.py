"""Our side of the comparison: the built programs, run one after the other."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from common import BATCH, SEED, THREADS

EPOCHS = 3


class Failed(Exception):
    """One of our programs did not do what it should."""


class Ours:
    def __init__(self, build, network, launch):
        """`launch` holds the arguments of subprocess.run that every timed process shares."""
        self.bench = Path(build, "bin", "bench_models")
        self.train = Path(build, "bin", "train_generated")
        self.network = network
        self.launch = launch

    def missing(self):
        return [str(p) for p in (self.bench, self.train) if not p.exists()]

    def run(self, *command):
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                              check=False, **self.launch)
        if done.returncode != 0:
            raise Failed(f"{' '.join(map(str, command))}\nended with {done.returncode}: "
                         f"{done.stderr.strip()[-1000:]}")
        return done.stdout

    def write_reference(self, path, data_folder):
        """Parameters, a batch, and our losses, gradients and embeddings, as safetensors."""
        self.run(self.bench, "--check", path, "--model", self.network.name, "--data", data_folder)
        with open(path, "rb") as file:
            names = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        parameters = self.network.parameters
        wanted = {"images", "labels", "classes", *(f"params/{name}" for name in parameters)}
        for loss in self.network.losses:
            wanted |= {f"loss/{loss}", *(f"grad/{loss}/{name}" for name in parameters)}
        lacking = sorted(wanted - names.keys())
        if not any(name.split("/")[0] == "embedding" for name in names):
            lacking.append("embedding")
        if lacking:
            raise Failed(f"{self.bench} --check leaves out {', '.join(lacking)}")

    def times(self, data_folder):
        """{work: milliseconds} of one turn."""
        found = json.loads(self.run(self.bench, "--json", "--threads", THREADS, "--batch", BATCH,
                                    "--model", self.network.name, "--data", data_folder))
        rows = [row for row in found["rows"] if row["model"] == self.network.name]
        steps = {row["loss"]: row["step_ms"] for row in rows
                 if row["optimizer"] == "adam" and row["batch"] == BATCH}
        embeds = {row["batch"]: row["embed_us"] / 1e3 for row in rows if row["loss"] == "embed"}
        try:
            times = {work: steps[loss] for work, loss in self.network.step_works.items()}
            times |= {work: steps["contrastive_distinct"] for work in self.network.distinct_work}
            times |= {work: embeds[count] for work, count in self.network.embed_works.items()}
        except KeyError as key:
            raise Failed(f"{self.bench} gives no row for {key}") from None
        return times | {work: self.epoch(data_folder) for work in self.network.epoch_works}

    def epoch(self, data_folder):
        folder = tempfile.mkdtemp(prefix="siamc-compare-")
        try:
            done = json.loads(self.run(
                self.train, "--model", self.network.name, "--loss", "contrastive",
                "--optimizer", "adam", "--data", data_folder, "--epochs", EPOCHS,
                "--batch", BATCH, "--seed", SEED, "--threads", THREADS,
                "--out", Path(folder, "run"), "--json"))
        finally:
            shutil.rmtree(folder)
        return done["seconds"] / done["epochs"] * 1e3
