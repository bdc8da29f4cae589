"""JAX: the whole step, Adam included, in one jit with donated state.

On the CPU XLA's own convolution and pooling are its fastest forms for embeddings, but their
gradients are slow: steps have products with patches and maxima of reshaped images instead.
"""

import functools
import itertools
import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from common import (EMBEDDING, FROZEN_RATE, MARGIN, TINY, Conv, Dense, Flatten,  # noqa: E402
                    Peer)

tree_map = jax.tree_util.tree_map


def dense(layer, params, x):
    x = x @ params[f"{layer.name}.kernel"] + params[f"{layer.name}.bias"]
    return jax.nn.relu(x) if layer.relu else x


def conv(layer, params, x):
    x = jax.lax.conv_general_dilated(x, params[f"{layer.name}.kernel"], (1, 1), "VALID",
                                     dimension_numbers=("NHWC", "HWIO", "NHWC"))
    x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return jax.nn.relu(x + params[f"{layer.name}.bias"])


def conv_for_gradients(layer, params, x):
    height, width = x.shape[1] - 2, x.shape[2] - 2
    patches = [x[:, i:i + height, j:j + width] for i in range(3) for j in range(3)]
    kernel = params[f"{layer.name}.kernel"].reshape(-1, layer.outputs)
    x = jnp.concatenate(patches, axis=3) @ kernel
    height, width = height // 2, width // 2
    x = x[:, :2 * height, :2 * width].reshape(-1, height, 2, width, 2, layer.outputs)
    return jax.nn.relu(x.max((2, 4)) + params[f"{layer.name}.bias"])


def flatten(_, params, x):
    return x.reshape(x.shape[0], -1)


EMBEDS = {Dense: dense, Conv: conv, Flatten: flatten}
TRAINS = EMBEDS | {Conv: conv_for_gradients}


def embed(network, forms, params, images):
    x = images
    for layer in network.layers:
        x = forms[type(layer)](layer, params, x)
    return x * jax.lax.rsqrt(jnp.maximum(jnp.sum(x * x, axis=1, keepdims=True), TINY))


def distance(a, b):
    return jnp.sqrt(jnp.maximum(jnp.sum((a - b) ** 2, axis=1), TINY))


def of_product(products):
    """Distances of embeddings of length 1."""
    return jnp.sqrt(jnp.maximum(2 - 2 * products, TINY))


def contrastive(network, params, images, labels):
    e = embed(network, TRAINS, params, images).reshape(2, -1, EMBEDDING)
    d = distance(e[0], e[1])
    return jnp.mean(labels * d**2 + (1 - labels) * jnp.maximum(MARGIN - d, 0) ** 2)


def triplet(network, params, images, _):
    e = embed(network, TRAINS, params, images).reshape(3, -1, EMBEDDING)
    return jnp.mean(jnp.maximum(distance(e[0], e[1]) - distance(e[0], e[2]) + MARGIN, 0))


def batch_hard(network, params, images, classes):
    """Embeddings have length 1, so the least product is the largest distance. Forms that gather the
    rows found, mark them, or have a whole matrix of distances took longer."""
    e = embed(network, TRAINS, params, images)
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


class JaxJit(Peer):
    modules = ("jax", "jaxlib")

    without = {"epoch": "JAX has no loop of its own to compare with"}

    def loss(self, name):
        return functools.partial(LOSSES[name], self.network)

    def loss_and_gradients(self, loss, params, images, labels):
        compiled = jax.jit(jax.value_and_grad(self.loss(loss)))
        value, gradients = compiled(params, self.network.shaped(images), labels)
        return float(value), tree_map(np.asarray, gradients)

    def step(self, loss, params, batches):
        compiled = jax.jit(lambda *a: adam_step(self.loss(loss), *a), donate_argnums=0)
        params = tree_map(jnp.array, params)
        state = (params, tree_map(jnp.zeros_like, params), tree_map(jnp.zeros_like, params),
                 jnp.float32(0))
        turns = itertools.cycle([(jnp.array(self.network.shaped(images)), jnp.array(labels))
                                 for images, labels in batches])

        def once():
            nonlocal state
            state, value = compiled(state, *next(turns))
            return value

        return once, lambda: tree_map(np.asarray, state[0])

    def embed(self, params, images):
        compiled = jax.jit(functools.partial(embed, self.network, EMBEDS))
        params = tree_map(jnp.array, params)
        images = jnp.array(self.network.shaped(images))
        return lambda: np.asarray(compiled(params, images))

    def wait(self, result):
        jax.block_until_ready(result)
