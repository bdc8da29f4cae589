"""Keras 3 on TensorFlow: a compiled training step for single steps, fit() for an epoch.

The step is Keras's model and Keras's Adam in a tf.function compiled with XLA: the fastest form
found, about half the time of train_on_batch().
"""

import os
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers, ops  # noqa: E402

from common import (BATCH, BRANCHES, FROZEN_RATE, LAYERS, LEARNING_RATE, MARGIN,  # noqa: E402
                    PARAMETERS, PIXELS, THREADS, TINY, Peer)

tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(THREADS)


def make_encoder(params):
    encoder = keras.Sequential([keras.Input((PIXELS,))])
    for i, (_, outputs) in enumerate(LAYERS, start=1):
        activation = "relu" if i < len(LAYERS) else None
        encoder.add(layers.Dense(outputs, activation=activation))
    encoder.add(layers.UnitNormalization(axis=1))
    encoder.set_weights([params[name] for name in PARAMETERS])
    return encoder


def distance(a, b):
    return ops.sqrt(ops.maximum(ops.sum(ops.square(a - b), axis=1, keepdims=True), TINY))


def contrastive(labels, d):
    return ops.mean(labels * ops.square(d) + (1 - labels) * ops.square(ops.maximum(MARGIN - d, 0)))


def triplet(_, d):
    return ops.mean(ops.maximum(d[:, 0] - d[:, 1] + MARGIN, 0))


LOSSES = {"contrastive": contrastive, "triplet": triplet}


def make_model(loss, params):
    """One input a branch; out come the distances from the first branch to each other one."""
    encoder = make_encoder(params)
    inputs = [keras.Input((PIXELS,)) for _ in range(BRANCHES[loss])]
    first, *others = [encoder(x) for x in inputs]
    distances = [distance(first, other) for other in others]
    return keras.Model(inputs, ops.concatenate(distances, axis=1))


def as_tensors(loss, images, labels):
    return [tf.constant(x) for x in tf.split(images, BRANCHES[loss])], tf.constant(labels[:, None])


class KerasTensorFlow(Peer):
    modules = ("keras", "tensorflow_cpu")

    def loss_and_gradients(self, loss, params, images, labels):
        model = make_model(loss, params)
        images, labels = as_tensors(loss, images, labels)
        with tf.GradientTape() as tape:
            value = LOSSES[loss](labels, model(images, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        return float(value), {n: g.numpy() for n, g in zip(PARAMETERS, gradients)}

    def step(self, loss, params, images, labels):
        model = make_model(loss, params)
        variables = model.trainable_variables
        adam = keras.optimizers.Adam(FROZEN_RATE)
        adam.build(variables)
        images, labels = as_tensors(loss, images, labels)

        @tf.function(jit_compile=True)
        def train(images, labels):
            with tf.GradientTape() as tape:
                value = LOSSES[loss](labels, model(images, training=True))
            adam.apply_gradients(zip(tape.gradient(value, variables), variables))
            return value

        return lambda: train(images, labels)

    def epoch(self, params, train, test):
        model = make_model("contrastive", params)
        model.compile(keras.optimizers.Adam(LEARNING_RATE), contrastive, steps_per_execution=32)

        def seconds():
            ends = []
            clock = keras.callbacks.LambdaCallback(
                on_epoch_end=lambda *_: ends.append(time.perf_counter()))
            model.fit(train.images, train.labels, batch_size=BATCH, epochs=2, verbose=0,
                      validation_data=(test.images, test.labels), callbacks=[clock])
            return ends[1] - ends[0]  # the first epoch also copies the arrays

        return seconds

    def embed(self, params, images):
        encoder = make_encoder(params)
        compiled = tf.function(lambda x: encoder(x, training=False), jit_compile=True)
        images = tf.constant(images)
        return lambda: compiled(images).numpy()

    def wait(self, result):
        if result is not None and hasattr(result, "numpy"):
            result.numpy()
