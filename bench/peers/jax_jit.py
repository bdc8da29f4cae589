"""JAX: the whole step, Adam included, in one jit with donated state."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from common import EMBEDDING, LAYERS, FROZEN_RATE, MARGIN, TINY, Peer  # noqa: E402

tree_map = jax.tree_util.tree_map


def embed(params, images):
    x = images
    for i in range(1, len(LAYERS) + 1):
        x = x @ params[f"dense{i}.kernel"] + params[f"dense{i}.bias"]
        if i < len(LAYERS):
            x = jax.nn.relu(x)
    return x * jax.lax.rsqrt(jnp.maximum(jnp.sum(x * x, axis=1, keepdims=True), TINY))


def distance(a, b):
    return jnp.sqrt(jnp.maximum(jnp.sum((a - b) ** 2, axis=1), TINY))


def contrastive(params, images, labels):
    e = embed(params, images).reshape(2, -1, EMBEDDING)
    d = distance(e[0], e[1])
    return jnp.mean(labels * d**2 + (1 - labels) * jnp.maximum(MARGIN - d, 0) ** 2)


def triplet(params, images, _):
    e = embed(params, images).reshape(3, -1, EMBEDDING)
    return jnp.mean(jnp.maximum(distance(e[0], e[1]) - distance(e[0], e[2]) + MARGIN, 0))


LOSSES = {"contrastive": contrastive, "triplet": triplet}


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
    without = {"fc epoch": "JAX has no loop of its own to compare with"}

    def loss_and_gradients(self, loss, params, images, labels):
        value, gradients = jax.jit(jax.value_and_grad(LOSSES[loss]))(params, images, labels)
        return float(value), tree_map(np.asarray, gradients)

    def step(self, loss, params, images, labels):
        compiled = jax.jit(lambda *a: adam_step(LOSSES[loss], *a), donate_argnums=0)
        params = tree_map(jnp.array, params)
        state = (params, tree_map(jnp.zeros_like, params), tree_map(jnp.zeros_like, params),
                 jnp.float32(0))
        images, labels = jnp.array(images), jnp.array(labels)

        def once():
            nonlocal state
            state, value = compiled(state, images, labels)
            return value

        return once

    def embed(self, params, images):
        compiled = jax.jit(embed)
        params, images = tree_map(jnp.array, params), jnp.array(images)
        return lambda: np.asarray(compiled(params, images))

    def wait(self, result):
        jax.block_until_ready(result)
