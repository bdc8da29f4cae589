"""What the reliability tests share: small runs, and what must hold of a folder after any fault."""
import argparse
import csv
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import time

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"
BIN = pathlib.Path(os.environ.get("SIAMC_BIN", BUILD / "bin"))
# What tests/reliability/faults.c becomes.
FAULTS = os.environ.get("SIAMC_FAULTS", str(BUILD / "tests" / "libfaults.so"))

WALL_TIMES = ("seconds", "images_per_second")
REASONS = {"full": "No space left on device", "broken": "Input/output error",
           "interrupted": "Interrupted system call"}


def parse_arguments(description, short="", long="", what=""):
    """`short` and `long`: how many of `what` the two forms try."""
    parser = argparse.ArgumentParser(description=description)
    if what:
        parser.add_argument("--long", action="store_true",
                            help=f"{long} {what} instead of {short} (or SIAMC_RELIABILITY=long)")
        parser.add_argument("--seed", type=int, default=1, help="of what is drawn; default 1")
    arguments = parser.parse_args()
    if what:
        arguments.long |= os.environ.get("SIAMC_RELIABILITY") == "long"
        random.seed(arguments.seed)
    return arguments


def write_data(folder, train=120, test=60):
    """Ten classes of noisy patterns, as IDX files."""
    draw = random.Random(1)
    folder.mkdir()
    patterns = [[draw.choice((0, 200)) for _ in range(49)] for _ in range(10)]
    for part, count in (("train", train), ("t10k", test)):
        labels = bytes(i % 10 for i in range(count))
        pixels = bytes(patterns[label][y // 4 * 7 + x // 4] + draw.randrange(55)
                       for label in labels for y in range(28) for x in range(28))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 0x803, count, 28, 28) + pixels)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels)


class Runs:
    """Runs of one kind on one data set, told apart by their seeds. They go into `area`."""

    def __init__(self, folder, *flags, epochs=3, train=120):
        self.data = folder / "data"
        self.area = folder / "area"
        write_data(self.data, train)
        self.area.mkdir()
        self.flags = ["--data", self.data, "--epochs", epochs, "--batch", 16, *flags]
        self.whole = {}
        for seed in (1, 2):
            out = folder / f"whole{seed}"
            begin = time.monotonic()
            self.train(out, seed)
            self.seconds = time.monotonic() - begin  # that a run takes
            self.whole[seed] = (out, results(out))

    def command(self, out, seed, *flags):
        return [str(part) for part in (BIN / "train_generated", *self.flags, "--seed", seed, "--out", out,
                                       *flags)]

    def train(self, out, seed, *flags, fault=None):
        environment = dict(os.environ, **(fault or {}))
        return subprocess.run(self.command(out, seed, *flags), capture_output=True, text=True,
                              env=environment, timeout=300, check=fault is None)

    def resume(self, out):
        subprocess.run([BIN / "train_generated", "--resume", "--out", out], check=True,
                       capture_output=True, timeout=300)

    def put_old_run(self, seed=1):
        """A finished run in the area, and a file of the user beside its files."""
        shutil.rmtree(self.area)
        out = self.area / "run"
        shutil.copytree(self.whole[seed][0], out)
        (out / "notes.txt").write_text("mine")
        return out

    def fault(self, kind, call, ever=False, log=None):
        return {"LD_PRELOAD": FAULTS, "SIAMC_FAULT_FOLDER": str(self.area), "SIAMC_FAULT_KIND": kind,
                "SIAMC_FAULT_CALL": str(call), "SIAMC_FAULT_EVER": "1" if ever else "0",
                "SIAMC_FAULT_LOG": str(log or "")}

    def check_whole(self, out, seeds=(1, 2)):
        """The folder holds one of these runs, finished or to be finished by --resume, and nothing
        else of ours; returns its seed."""
        summary = json.loads((out / "summary.json").read_text())
        seed = int((out / "config.toml").read_text().split("seed = ")[1].split()[0])
        assert seed in seeds, (seed, seeds)
        if not summary["finished"]:
            done = subprocess.run([BIN / "eval_generated", "--run", out, "--data", self.data],
                                  capture_output=True, text=True)
            assert done.returncode == 65 and "--resume" in done.stderr, done
            self.resume(out)
        assert results(out) == self.whole[seed][1], (seed, out)
        assert (out / "weights.safetensors").read_bytes() == (
            self.whole[seed][0] / "weights.safetensors").read_bytes()
        # Another run in the area may have been killed in a save.
        strays = [*out.rglob(".siamc-*"), *self.area.glob(".siamc-*")]
        assert not strays, strays
        return seed


def results(out):
    """What has to be equal for equal runs: metrics and summary, but for times and memory."""
    with open(out / "metrics.csv", newline="") as file:
        rows = [{key: value for key, value in row.items() if key not in WALL_TIMES}
                for row in csv.DictReader(file)]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["finished"] is True, summary
    for key in ("run", "peak_rss_mb", *WALL_TIMES):
        del summary[key]
    return rows, summary
