#!/usr/bin/env python3
"""Makes optimizer_vectors.json: twenty steps of each optimiser, as Keras and PyTorch take them.

Run it in the peers' environment, which `bench/peers/compare --install` sets up:

    .deps/peers/bin/python tests/golden/make_optimizer_vectors.py

Every rule of docs/optimizers.md is also written out below in numpy. Before anything is written, the
packages must agree with it in float32 and in float64, and must disagree with each other's rule: a
set of vectors that could not tell the two apart would test nothing.
"""

import json
import os
import re
import sys
from pathlib import Path

os.environ.pop("OPENBLAS_CORETYPE", None)
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import torch  # noqa: E402

STEPS = 20
SLOWER_FROM = 10  # steps from here on use a third of the rate: momentum rules differ only then
MOMENTUM = 0.9
OUTPUT = Path(__file__).with_name("optimizer_vectors.json")

INITIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.25, 1e-6, -1e-6, 1e-3, -1e-3, 3.0, -7.5, 100.0,
                    -1e4, 0.1, -0.3, 0.7], np.float32)


def make_gradients():
    """[STEPS, 17]: ordinary ones, and columns that catch a wrong epsilon or a wrong first step."""
    gradients = np.random.default_rng(20240229).standard_normal((STEPS, INITIAL.size))
    gradients[:, 0] = 0.0                        # never moves
    gradients[:5, 1] = 0.0                       # sleeps, then wakes
    gradients[1:, 2] = 0.0                       # one push, then only momentum
    gradients[::2, 3] = 0.0                      # every other step
    gradients[:, 4] *= 1e-4                      # below the root of PyTorch's and Keras's epsilons
    gradients[:, 5] *= 1e-6
    gradients[:, 6] *= 1e-7                      # as small as epsilon itself
    gradients[:, 7] *= 1e-8
    gradients[:, 8] *= 1e3
    gradients[:, 9] = 0.125                      # constant
    gradients[:, 10] = np.where(np.arange(STEPS) % 2, 1.0, -1.0)
    return gradients.astype(np.float32)


# --- the rules, once, in numpy: state is a dict, t counts from 1 ---

def keras_adam(p, g, s, t, rate, h):
    alpha = rate * np.sqrt(1 - h["beta_2"] ** t) / (1 - h["beta_1"] ** t)
    s["m"] += (g - s["m"]) * (1 - h["beta_1"])
    s["v"] += (g * g - s["v"]) * (1 - h["beta_2"])
    return p - s["m"] * alpha / (np.sqrt(s["v"]) + h["epsilon"])


def keras_rmsprop(p, g, s, t, rate, h):
    s["v"] = h["rho"] * s["v"] + (1 - h["rho"]) * g * g
    return p - rate * g / np.sqrt(s["v"] + h["epsilon"])


def keras_sgd(p, g, s, t, rate, h):
    s["m"] = h["momentum"] * s["m"] - rate * g
    return p + s["m"]


def torch_adam(p, g, s, t, rate, h):
    s["m"] += (g - s["m"]) * (1 - h["beta_1"])
    s["v"] = h["beta_2"] * s["v"] + (1 - h["beta_2"]) * g * g
    root = np.sqrt(s["v"]) / np.sqrt(1 - h["beta_2"] ** t)
    return p - rate / (1 - h["beta_1"] ** t) * s["m"] / (root + h["epsilon"])


def torch_rmsprop(p, g, s, t, rate, h):
    s["v"] = h["rho"] * s["v"] + (1 - h["rho"]) * g * g
    return p - rate * g / (np.sqrt(s["v"]) + h["epsilon"])


def torch_sgd(p, g, s, t, rate, h):
    s["m"] = g.copy() if t == 1 else h["momentum"] * s["m"] + g
    return p - rate * s["m"]


def decayed(adam):
    """Adam on what is left of the parameter; the decay itself has no moments."""
    def step(p, g, s, t, rate, h):
        return adam(p - p * h["weight_decay"] * rate, g, s, t, rate, h)
    return step


RULES = {"keras": {"adam": keras_adam, "rmsprop": keras_rmsprop, "sgd": keras_sgd,
                   "adamw": decayed(keras_adam)},
         "torch": {"adam": torch_adam, "rmsprop": torch_rmsprop, "sgd": torch_sgd,
                   "adamw": decayed(torch_adam)}}


def run_rule(rule, gradients, rates, hyper, dtype):
    hyper = {key: dtype(value) for key, value in hyper.items()}
    p = INITIAL.astype(dtype)
    state = {"m": np.zeros_like(p), "v": np.zeros_like(p)}
    path = []
    for t, (g, rate) in enumerate(zip(gradients.astype(dtype), rates), start=1):
        p = rule(p, g, state, t, dtype(rate), hyper)
        path.append(p)
    return np.array(path)


# --- the packages ---

def run_keras(optimizer, gradients, rates):
    variable = keras.Variable(INITIAL)
    optimizer.build([variable])
    path = []
    for g, rate in zip(gradients, rates):
        optimizer.learning_rate = rate
        optimizer.apply([tf.constant(g)], [variable])
        path.append(keras.ops.convert_to_numpy(variable).copy())
    return np.array(path)


def run_torch(optimizer_class, options, gradients, rates):
    parameter = torch.nn.Parameter(torch.from_numpy(INITIAL.copy()))
    optimizer = optimizer_class([parameter], **options)
    path = []
    for g, rate in zip(gradients, rates):
        optimizer.param_groups[0]["lr"] = rate
        parameter.grad = torch.from_numpy(g.copy())
        optimizer.step()
        path.append(parameter.detach().numpy().copy())
    return np.array(path)


def rates_from(default):
    """The package's own rate, then a third of it; each exactly a float32."""
    return [float(np.float32(default if step < SLOWER_FROM else default / 3))
            for step in range(STEPS)]


def keras_cases(gradients):
    o = keras.optimizers
    for name, optimizer, keys in (("adam", o.Adam(), ("beta_1", "beta_2", "epsilon")),
                                  ("rmsprop", o.RMSprop(), ("rho", "epsilon")),
                                  ("sgd", o.SGD(momentum=MOMENTUM), ("momentum",)),
                                  ("adamw", o.AdamW(),
                                   ("beta_1", "beta_2", "epsilon", "weight_decay"))):
        config = optimizer.get_config()
        rates = rates_from(config["learning_rate"])
        hyper = {key: config[key] for key in keys}
        yield name, hyper, rates, run_keras(optimizer, gradients, rates)


def torch_cases(gradients):
    for name, kind, options in (("adam", torch.optim.Adam, {}),
                                ("rmsprop", torch.optim.RMSprop, {}),
                                ("sgd", torch.optim.SGD, {"momentum": MOMENTUM}),
                                ("adamw", torch.optim.AdamW, {})):
        defaults = kind([torch.zeros(1)], **options).defaults
        hyper = {"adam": lambda d: {"beta_1": d["betas"][0], "beta_2": d["betas"][1],
                                    "epsilon": d["eps"]},
                 "rmsprop": lambda d: {"rho": d["alpha"], "epsilon": d["eps"]},
                 "sgd": lambda d: {"momentum": d["momentum"]},
                 "adamw": lambda d: {"beta_1": d["betas"][0], "beta_2": d["betas"][1],
                                     "epsilon": d["eps"],
                                     "weight_decay": d["weight_decay"]}}[name](defaults)
        rates = rates_from(defaults["lr"])
        yield name, hyper, rates, run_torch(kind, options, gradients, rates)


# --- the proof ---

def worst_error(path, reference):
    """Largest |difference| over its allowance; at most 1 means agreement.

    The allowance is 3e-5 of the way travelled so far (Keras's 1 - 0.999^t in float32 is off by
    1.3e-5) plus the rounding of a float32 parameter in each step.
    """
    steps = np.diff(reference, axis=0, prepend=INITIAL[None].astype(np.float64))
    travelled = np.abs(steps).cumsum(axis=0)
    counts = np.arange(1, STEPS + 1)[:, None]
    allowed = 3e-5 * travelled + counts * 2.0**-23 * np.abs(reference) + 1e-30
    ratio = np.abs(path - reference) / allowed
    return float("inf") if np.isnan(ratio).any() else ratio.max()


def prove(package, name, hyper, rates, gradients, path):
    other = "torch" if package == "keras" else "keras"
    own_rule, other_rule = RULES[package][name], RULES[other][name]
    exact = run_rule(own_rule, gradients, rates, hyper, np.float64)
    single = run_rule(own_rule, gradients, rates, hyper, np.float32)
    wrong = run_rule(other_rule, gradients, rates, hyper, np.float64)
    errors = [worst_error(path, exact), worst_error(single, exact), worst_error(path, wrong)]
    print(f"{package:6}{name:8} float64 {errors[0]:.2f}  float32 {errors[1]:.2f}"
          f"  {other}'s rule {errors[2]:.0f}   (of what is allowed)", file=sys.stderr)
    assert errors[0] <= 1 and errors[1] <= 1, f"{package} {name} is not the rule written here"
    assert errors[2] > 10, f"{package} {name} can't be told from {other}'s"


def main():
    gradients = make_gradients()
    cases = {}
    for package, runs in (("keras", keras_cases), ("torch", torch_cases)):
        for name, hyper, rates, path in runs(gradients):
            prove(package, name, hyper, rates, gradients, path)
            cases.setdefault(package, {})[name] = {
                "hyper": hyper, "learning_rates": rates, "after": path.tolist()}
    document = {"made_by": "tests/golden/make_optimizer_vectors.py",
                "versions": {"keras": keras.__version__, "tensorflow": tf.__version__,
                             "torch": torch.__version__, "numpy": np.__version__},
                "initial": INITIAL.tolist(), "gradients": gradients.tolist(), "cases": cases}
    OUTPUT.write_text(one_vector_a_line(json.dumps(document, indent=1)) + "\n", encoding="utf-8")
    print(f"wrote {OUTPUT}", file=sys.stderr)


def one_vector_a_line(text):
    """Joins the lines of innermost lists, so that a change shows as one line a step."""
    return re.sub(r"\[\s+([^\[\]]+?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text)


if __name__ == "__main__":
    main()
