"""What all peers share: the networks, their works, and the interface of an adapter.

Every network ends with L2 normalisation. Contrastive loss: mean of y D^2 + (1-y) max(0,
margin-D)^2; triplet loss: mean of max(0, D(A,P) - D(A,N) + margin); batch-hard loss: the same of
each image A of a batch, its farthest positive P and its nearest negative N; D is the Euclidean
distance.
"""

from dataclasses import dataclass

SIDE = 28
PIXELS = SIDE * SIDE
EMBEDDING = 256
BATCH = 128
MARGIN = 1.0
LEARNING_RATE = 0.001
# A timed step must not learn: thousands of steps on one batch would end at gradients of exactly 0,
# and Adam's moments in subnormal numbers, which take many times as long. This rate moves nothing.
FROZEN_RATE = 1e-12
THREADS = 2
SEED = 0
TINY = 1e-12  # keeps a root's argument off 0, where its gradient is infinite
BRANCHES = {"contrastive": 2, "triplet": 3, "batch_hard": 1}

TRAIN_IMAGES, TEST_IMAGES, CLASSES = 60_000, 10_000, 10
TRAIN_PAIRS, TEST_PAIRS = 120_000, 20_000


@dataclass(frozen=True)
class Dense:
    """A product with a kernel (in, out), plus a bias; then ReLU, if `relu`."""
    name: str
    inputs: int
    outputs: int
    relu: bool = False


@dataclass(frozen=True)
class Conv:
    """A 3x3 convolution without padding, kernel (height, width, in, out), plus a bias; then ReLU
    and 2x2 max-pooling, which leaves out a last odd line or column.

    ReLU and max-pooling may change places, with the same values and gradients: an adapter takes
    the faster order.
    """
    name: str
    inputs: int
    outputs: int


@dataclass(frozen=True)
class Flatten:
    """An image to a row: line by line, pixel by pixel, all channels of a pixel together."""
    height: int
    width: int
    channels: int


class Network:
    """A network and what is timed of it.

    `image` is the shape in which its first layer takes an image, channels last; an embed work
    takes as many images as `embed_counts` says. An epoch is timed of networks that learn from
    pairs.
    """

    def __init__(self, name, image, layers, losses, embed_counts, peers):
        self.name, self.image, self.layers = name, image, layers
        self.losses, self.peers = losses, peers
        self.parameters = tuple(f"{layer.name}.{part}" for layer in layers if hasattr(layer, "name")
                                for part in ("kernel", "bias"))
        self.convolves = any(isinstance(layer, Conv) for layer in layers)
        self.step_works = {f"{name} {loss} step": loss for loss in losses}
        pairs = "contrastive" in losses
        self.epoch_works = (f"{name} epoch",) if pairs else ()
        self.embed_works = {f"{name} embed {count}": count for count in embed_counts}
        self.works = (*self.step_works, *self.epoch_works, *self.embed_works)
        # Ours alone: on pairs in which no image occurs twice. It is held against the peers' time of
        # the work named beside it, since peers compute every image of every pair.
        self.distinct_work = ({f"{name} contrastive, distinct": f"{name} contrastive step"}
                              if pairs else {})

    def shaped(self, images):
        """Rows of pixels as the first layer takes them."""
        return images.reshape(-1, *self.image)


# Name: "module.Class" of its adapter; their order is the order of the turns.
PEERS = {"pytorch eager": "pytorch_eager.PyTorchEager",
         "torch.compile": "pytorch_compile.PyTorchCompile",
         "pml eager": "metric_learning.MetricLearning",
         "pml compiled": "metric_learning.MetricLearningCompiled",
         "jax jit": "jax_jit.JaxJit",
         "keras": "keras_tensorflow.KerasTensorFlow",
         "onnxruntime": "onnx_runtime.OnnxRuntime"}
TUPLE_PEERS = ("pytorch eager", "torch.compile", "jax jit", "keras", "onnxruntime")
BATCH_PEERS = ("pytorch eager", "torch.compile", "pml eager", "pml compiled", "jax jit")

FC_LAYERS = (Dense("dense1", PIXELS, 64, relu=True), Dense("dense2", 64, 128, relu=True),
             Dense("dense3", 128, EMBEDDING))
CNN_LAYERS = (Conv("conv2d1", 1, 32), Conv("conv2d2", 32, 64), Flatten(5, 5, 64),
              Dense("dense1", 5 * 5 * 64, EMBEDDING))
NETWORKS = {network.name: network for network in (
    Network("fc", (PIXELS,), FC_LAYERS, ("contrastive", "triplet"), (1, 256), TUPLE_PEERS),
    Network("cnn", (SIDE, SIDE, 1), CNN_LAYERS, ("contrastive", "triplet"), (1, 2, 256),
            TUPLE_PEERS),
    Network("fc_batch", (PIXELS,), FC_LAYERS, ("batch_hard",), (), BATCH_PEERS))}


class Peer:
    """One framework's form of a network.

    Arguments, all numpy: `params` maps the network's parameters to float32 arrays; `images` is
    float32 [branches * tuples, 784] in 0..1, all rows of the first branch, then all of the second,
    and so on; `labels` is float32 [tuples], 1 for a similar pair, of the batch-hard loss an image's
    class (triplets have none).

    `step` and `embed` return a function that does the work once, on data that are already where
    the framework wants them; what it returns goes to `wait`, which returns when it is done. What a
    peer has no form of it leaves out, and says why in `without`.
    """

    modules = ()  # whose versions are reported

    def __init__(self, network):
        self.network = network

    @property
    def without(self):
        """{work: reason}"""
        return {}

    def loss_and_gradients(self, loss, params, images, labels):
        """(loss, {parameter: gradient}) as numpy."""
        raise NotImplementedError

    def step(self, loss, params, images, labels):
        """One step of Adam on one batch at FROZEN_RATE: loss, gradients and update."""
        raise NotImplementedError

    def epoch(self, params, train, test):
        """A function that trains on `train` (see data.Pairs), contrastive loss, with validation on
        `test` each epoch, and returns the seconds that an epoch takes once all is warm."""
        raise NotImplementedError

    def embed(self, params, images):
        """The embeddings [rows, 256] of `images`."""
        raise NotImplementedError

    def wait(self, result):
        """Returns once `result` has been computed."""
