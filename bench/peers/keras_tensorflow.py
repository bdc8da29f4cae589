"""Keras 3 on TensorFlow: a compiled training step for single steps, fit() for an epoch.

The step is Keras's model and Keras's Adam in a tf.function: the fastest form found, for FC about
half the time of train_on_batch(). XLA compiles it where that is faster (see by_xla).
"""

import itertools
import os
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers, ops  # noqa: E402

from common import (BATCH, BRANCHES, EPOCH, FROZEN_RATE, LEARNING_RATE, MARGIN,  # noqa: E402
                    THREADS, TINY, Peer)
from networks import Conv, Dense, Flatten, Normalize  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(THREADS)

XLA_CONVOLVES = 16  # images at most


def by_xla(network, images):
    """Whether XLA makes a function of so many images faster.

    Its convolutions take more than twice as long in a step as oneDNN's, which TensorFlow calls by
    itself; with a few images what counts is that it takes less time a call.
    """
    return not network.convolves or images <= XLA_CONVOLVES


KERAS_NAMES = {"relu": "relu", "sigmoid": "sigmoid", "none": None}


def dense(layer):
    return [layers.Dense(layer.outputs, activation=KERAS_NAMES[layer.activation])]


def conv(layer):
    convolution = layers.Conv2D(layer.outputs, layer.size, padding="same" if layer.same else "valid",
                                activation="relu" if layer.relu else None)
    return [convolution, layers.MaxPooling2D(2)] if layer.pool else [convolution]


LAYERS = {Dense: dense, Conv: conv, Flatten: lambda _: [layers.Flatten()],
          Normalize: lambda _: [layers.UnitNormalization(axis=1)]}


def make_encoder(network, params):
    encoder = keras.Sequential([keras.Input(network.image)])
    for layer in network.layers:
        for part in LAYERS[type(layer)](layer):
            encoder.add(part)
    encoder.set_weights([params[name] for name in network.parameters])
    return encoder


def distance(a, b):
    return ops.sqrt(ops.maximum(ops.sum(ops.square(a - b), axis=1, keepdims=True), TINY))


def contrastive(labels, d):
    return ops.mean(labels * ops.square(d) + (1 - labels) * ops.square(ops.maximum(MARGIN - d, 0)))


def triplet(_, d):
    return ops.mean(ops.maximum(d[:, 0] - d[:, 1] + MARGIN, 0))


LOSSES = {"contrastive": contrastive, "triplet": triplet}


def make_model(loss, network, params):
    """One input a branch; out come the distances from the first branch to each other one."""
    encoder = make_encoder(network, params)
    inputs = [keras.Input(network.image) for _ in range(BRANCHES[loss])]
    first, *others = [encoder(x) for x in inputs]
    distances = [distance(first, other) for other in others]
    return keras.Model(inputs, ops.concatenate(distances, axis=1))


def as_tensors(loss, network, images, labels):
    branches = tf.split(network.shaped(images), BRANCHES[loss])
    return [tf.constant(x) for x in branches], tf.constant(labels[:, None])


class KerasTensorFlow(Peer):
    modules = ("keras", "tensorflow_cpu")

    def loss_and_gradients(self, loss, params, images, labels):
        model = make_model(loss, self.network, params)
        images, labels = as_tensors(loss, self.network, images, labels)
        with tf.GradientTape() as tape:
            value = LOSSES[loss](labels, model(images, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        return float(value), {n: g.numpy() for n, g in zip(self.network.parameters, gradients)}

    def step(self, loss, params, batches):
        model = make_model(loss, self.network, params)
        variables = model.trainable_variables
        adam = keras.optimizers.Adam(FROZEN_RATE)
        adam.build(variables)
        turns = itertools.cycle([as_tensors(loss, self.network, *batch) for batch in batches])

        @tf.function(jit_compile=by_xla(self.network, BRANCHES[loss] * BATCH))
        def train(images, labels):
            with tf.GradientTape() as tape:
                value = LOSSES[loss](labels, model(images, training=True))
            adam.apply_gradients(zip(tape.gradient(value, variables), variables))
            return value

        def current():
            return {n: v.numpy() for n, v in zip(self.network.parameters, variables)}

        return lambda: train(*next(turns)), current

    def epoch(self, loss, params, train, test):
        train_images = [self.network.shaped(images) for images in train.images]
        test_images = [self.network.shaped(images) for images in test.images]

        def seconds():
            model = make_model(loss, self.network, params)
            model.compile(keras.optimizers.Adam(LEARNING_RATE), LOSSES[loss],
                          steps_per_execution=32)
            ends = []
            clock = keras.callbacks.LambdaCallback(
                on_epoch_end=lambda *_: ends.append(time.perf_counter()))
            model.fit(train_images, train.labels, batch_size=BATCH, epochs=EPOCH, verbose=0,
                      validation_data=(test_images, test.labels), callbacks=[clock])
            return ends[-1] - ends[-2]

        return seconds

    def embed(self, params, images):
        encoder = make_encoder(self.network, params)
        compiled = tf.function(lambda x: encoder(x, training=False),
                               jit_compile=by_xla(self.network, len(images)))
        images = tf.constant(self.network.shaped(images))
        return lambda: compiled(images).numpy()

    def wait(self, result):
        if result is not None and hasattr(result, "numpy"):
            result.numpy()
