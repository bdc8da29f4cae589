"""The peers' own virtual environment, the environment variables and cores that all sides run with,
and how much others disturbed them."""

import hashlib
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDER = ROOT / ".deps" / "peers"
PYTHON = FOLDER / "bin" / "python"
REQUIREMENTS = HERE / "requirements.txt"


class Unusable(Exception):
    """The environment can't be made; says why and what to do."""


def run(*command):
    done = subprocess.run([str(c) for c in command], stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise Unusable(f"failed with {done.returncode}: {' '.join(map(str, command))}")


def recipe_hash():
    files = (REQUIREMENTS, HERE / "cuda_stand_ins.py")
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def install():
    """Makes the environment, about 3.5 GB, unless the one that is there is of this recipe."""
    stamp = FOLDER / "recipe.sha256"
    if stamp.exists() and stamp.read_text() == recipe_hash():
        return
    if sys.version_info < (3, 11):
        raise Unusable(f"the peers need Python 3.11 or newer, this is {sys.version.split()[0]}")
    print(f"installing the peers in {FOLDER} (once, 1.2 GB to download)", file=sys.stderr)
    try:
        run(sys.executable, "-m", "venv", "--clear", FOLDER)
    except Unusable as error:
        raise Unusable(f"{error}; on Debian and Ubuntu: apt-get install python3-venv") from None
    # The list is complete, so nothing is resolved: above all not torch's wish for CUDA.
    run(PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "-r", REQUIREMENTS)
    packages = next((FOLDER / "lib").glob("python3*/site-packages"))
    run(sys.executable, HERE / "cuda_stand_ins.py", packages)
    run(PYTHON, "-c", "import torch, jax, tensorflow, onnxruntime, safetensors")
    run(PYTHON, "-c", "import pytorch_metric_learning")
    stamp.write_text(recipe_hash())


def choose_cores(count):
    """The first `count` CPUs that we may use, of different cores as far as there are any."""
    allowed, seen, first, rest = sorted(os.sched_getaffinity(0)), set(), [], []
    for cpu in allowed:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        core = siblings.read_text() if siblings.exists() else cpu
        (rest if core in seen else first).append(cpu)
        seen.add(core)
    return (first + rest)[:count]


def variables(threads):
    """What every process that is timed runs with."""
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "XLA_FLAGS")}
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        env[name] = str(threads)
    env["CUDA_VISIBLE_DEVICES"] = ""
    env["TORCHINDUCTOR_CACHE_DIR"] = str(FOLDER / "inductor")
    env["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # no pool of helpers beside what is timed
    return env


def cpu_seconds_of(pid):
    """Processor time of our process `pid` and of its children that have ended.

    0 once it has ended and been waited for: then it counts among our own ended children.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Disturbance:
    """How much of the machine went to others (or, in a virtual one, to its host) since it was made.

    `own` are the running processes that do not count as others, each with cpu_seconds().
    """

    def __init__(self, own):
        self.own = own
        self.start = time.perf_counter()
        self.others_at_start = self.others()

    def others(self):
        user, nice, system, _, _, irq, softirq, steal = map(
            int, Path("/proc/stat").read_text().split(None, 9)[1:9])
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (busy - sum(process.cpu_seconds() for process in self.own)
                - ended.ru_utime - ended.ru_stime)

    def percent(self):
        available = (time.perf_counter() - self.start) * os.cpu_count()
        return round(100 * (self.others() - self.others_at_start) / available, 1)
