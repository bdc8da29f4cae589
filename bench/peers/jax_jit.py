"""JAX: the whole step, Adam included, in one jit with donated state.

On the CPU XLA's own convolution and pooling are its fastest forms for embeddings, but the gradients
of some are slow: steps may have products with patches and maxima of reshaped images instead. A
network's step takes the form that is faster for it.
"""

import functools
import itertools
import os
import time

os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from common import FROZEN_RATE, MARGIN, TINY, Peer  # noqa: E402
from networks import Conv, Dense, Flatten, Normalize  # noqa: E402

tree_map = jax.tree_util.tree_map


ACTIVATIONS = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "none": lambda x: x}


def dense(layer, params, x):
    x = x @ params[f"{layer.name}.kernel"] + params[f"{layer.name}.bias"]
    return ACTIVATIONS[layer.activation](x)


def with_bias(layer, params, x):
    x = x + params[f"{layer.name}.bias"]
    return jax.nn.relu(x) if layer.relu else x


def conv(layer, params, x):
    x = jax.lax.conv_general_dilated(x, params[f"{layer.name}.kernel"], (1, 1),
                                     "SAME" if layer.same else "VALID",
                                     dimension_numbers=("NHWC", "HWIO", "NHWC"))
    if layer.pool:
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return with_bias(layer, params, x)


def conv_by_patches(layer, params, x):
    more = layer.size - 1
    if layer.same:
        border = (more // 2, more - more // 2)
        x = jnp.pad(x, ((0, 0), border, border, (0, 0)))
    height, width = x.shape[1] - more, x.shape[2] - more
    patches = [x[:, i:i + height, j:j + width]
               for i in range(layer.size) for j in range(layer.size)]
    kernel = params[f"{layer.name}.kernel"].reshape(-1, layer.outputs)
    x = jnp.concatenate(patches, axis=3) @ kernel
    if layer.pool:
        height, width = height // 2, width // 2
        x = x[:, :2 * height, :2 * width].reshape(-1, height, 2, width, 2, layer.outputs)
        x = x.max((2, 4))
    return with_bias(layer, params, x)


def flatten(_, params, x):
    return x.reshape(x.shape[0], -1)


def normalize(_, params, x):
    return x * jax.lax.rsqrt(jnp.maximum(jnp.sum(x * x, axis=1, keepdims=True), TINY))


OWN = {Dense: dense, Conv: conv, Flatten: flatten, Normalize: normalize}
PATCHES = OWN | {Conv: conv_by_patches}


def embed(network, forms, params, images):
    x = images
    for layer in network.layers:
        x = forms[type(layer)](layer, params, x)
    return x


def distance(a, b):
    return jnp.sqrt(jnp.maximum(jnp.sum((a - b) ** 2, axis=1), TINY))


def of_product(products):
    """Distances of embeddings of length 1."""
    return jnp.sqrt(jnp.maximum(2 - 2 * products, TINY))


def contrastive(network, forms, params, images, labels):
    e = jnp.split(embed(network, forms, params, images), 2)
    d = distance(e[0], e[1])
    return jnp.mean(labels * d**2 + (1 - labels) * jnp.maximum(MARGIN - d, 0) ** 2)


def triplet(network, forms, params, images, _):
    e = jnp.split(embed(network, forms, params, images), 3)
    return jnp.mean(jnp.maximum(distance(e[0], e[1]) - distance(e[0], e[2]) + MARGIN, 0))


def batch_hard(network, forms, params, images, classes):
    """Embeddings have length 1, so the least product is the largest distance. Forms that gather the
    rows found, mark them, or have a whole matrix of distances took longer."""
    e = embed(network, forms, params, images)
    products = e @ e.T
    same = classes[:, None] == classes
    positive = jnp.min(jnp.where(same, products, 2), axis=1)
    negative = jnp.max(jnp.where(same, -2, products), axis=1)
    return jnp.mean(jnp.maximum(of_product(positive) - of_product(negative) + MARGIN, 0))


LOSSES = {"contrastive": contrastive, "triplet": triplet, "batch_hard": batch_hard}


def adam_step(loss, state, images, labels):
    params, m, v, t = state
    value, gradients = jax.value_and_grad(loss)(params, images, labels)
    t = t + 1
    m = tree_map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
    v = tree_map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
    rate = FROZEN_RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    params = tree_map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), params, m, v)
    return (params, m, v, t), value


def first_state(params):
    params = tree_map(jnp.array, params)
    return (params, tree_map(jnp.zeros_like, params), tree_map(jnp.zeros_like, params),
            jnp.float32(0))


def seconds_of(step, state, batch):
    """The least of a few steps after the first, which compiles."""
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        state, _ = jax.block_until_ready(step(state, *batch))
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


class JaxJit(Peer):
    modules = ("jax", "jaxlib")

    without = {"epoch": "JAX has no loop of its own to compare with"}

    def loss(self, name, forms=PATCHES):
        return functools.partial(LOSSES[name], self.network, forms)

    def loss_and_gradients(self, loss, params, images, labels):
        compiled = jax.jit(jax.value_and_grad(self.loss(loss)))
        value, gradients = compiled(params, self.network.shaped(images), labels)
        return float(value), tree_map(np.asarray, gradients)

    def step(self, loss, params, batches):
        batches = [(jnp.array(self.network.shaped(images)), jnp.array(labels))
                   for images, labels in batches]
        forms = (OWN, PATCHES) if self.network.convolves else (OWN,)
        steps = [jax.jit(functools.partial(adam_step, self.loss(loss, form)), donate_argnums=0)
                 for form in forms]
        compiled = min(steps, key=lambda step: seconds_of(step, first_state(params), batches[0]))
        state = first_state(params)
        turns = itertools.cycle(batches)

        def once():
            nonlocal state
            state, value = compiled(state, *next(turns))
            return value

        return once, lambda: tree_map(np.asarray, state[0])

    def embed(self, params, images):
        compiled = jax.jit(functools.partial(embed, self.network, OWN))
        params = tree_map(jnp.array, params)
        images = jnp.array(self.network.shaped(images))
        return lambda: np.asarray(compiled(params, images))

    def wait(self, result):
        jax.block_until_ready(result)
