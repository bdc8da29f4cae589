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
TUPLE_LOSSES = ("contrastive", "triplet")
EPOCH = 3  # that is timed, of a training that starts with random weights

TRAIN_IMAGES, TEST_IMAGES, CLASSES = 60_000, 10_000, 10


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


@dataclass(frozen=True)
class Work:
    """What is timed: a `step` or a whole `epoch` of a loss, or an `embed` of so many images."""
    name: str
    kind: str
    loss: str
    trained: int = 0  # epochs of our training that its weights have been through
    images: int = 0

    @property
    def start(self):
        """What its weights and images are."""
        return self.loss, self.trained


class Network:
    """A network and what is timed of it.

    `image` is the shape in which its first layer takes an image, channels last; an embed work
    takes as many images as `embed_counts` says.
    """

    def __init__(self, name, image, layers, losses, embed_counts, peers):
        self.name, self.image, self.layers = name, image, layers
        self.losses, self.embed_counts, self.peers = losses, embed_counts, peers
        self.parameters = tuple(f"{layer.name}.{part}" for layer in layers if hasattr(layer, "name")
                                for part in ("kernel", "bias"))
        self.convolves = any(isinstance(layer, Conv) for layer in layers)

    def works(self):
        steps = [Work(f"{self.name} {loss} step", "step", loss) for loss in self.losses]
        epochs = [Work(f"{self.name} {loss} epoch {EPOCH}", "epoch", loss)
                  for loss in self.losses if loss in TUPLE_LOSSES]
        embeds = [Work(f"{self.name} embed {count}", "embed", self.losses[0], images=count)
                  for count in self.embed_counts]
        return [*steps, *epochs, *embeds]

    def trained_works(self, epochs):
        """Steps with the weights after each of so many epochs: all else takes as long with any."""
        return [Work(f"{self.name} {loss} step after epoch {count}", "step", loss, trained=count)
                for loss in self.losses for count in epochs]

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

    What `step` and `embed` return does the work once, on data that are already where the framework
    wants them; what that returns goes to `wait`, which returns when it is done. What a peer has no
    form of it leaves out, and says why in `without`.
    """

    modules = ()  # whose versions are reported
    without = {}  # {kind of work: reason}

    def __init__(self, network):
        self.network = network

    def loss_and_gradients(self, loss, params, images, labels):
        """(loss, {parameter: gradient}) as numpy."""
        raise NotImplementedError

    def step(self, loss, params, batches):
        """A function for a step of Adam at FROZEN_RATE, loss, gradients and update, which goes
        round the batches (images, labels); and one that gives the parameters as they then are."""
        raise NotImplementedError

    def epoch(self, loss, params, train, test):
        """A function that trains on `train` (see data.Tuples) from `params` on, with validation on
        `test` each epoch, and returns the seconds that epoch number EPOCH takes."""
        raise NotImplementedError

    def embed(self, params, images):
        """The embeddings [rows, 256] of `images`."""
        raise NotImplementedError

    def wait(self, result):
        """Returns once `result` has been computed."""
