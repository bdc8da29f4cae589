"""What all peers share: the works on a network, and the interface of an adapter.

Contrastive loss: mean of y D^2 + (1-y) max(0, margin-D)^2; triplet loss: mean of
max(0, D(A,P) - D(A,N) + margin); batch-hard loss: the same of each image A of a batch, its farthest
positive P and its nearest negative N; D is the Euclidean distance.
"""

from dataclasses import dataclass

from networks import LINKED

BATCH = 128  # tuples of a step, unless told
FEW_TUPLES = 2  # of which gradients are compared
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


EMBED_COUNTS = {"fc": (1, 256), "fc_batch": ()}  # of images; of any other network:
ANY_EMBED_COUNTS = (1, 2, 256)


def works_of(network):
    steps = [Work(f"{network.name} {loss} step", "step", loss) for loss in network.losses]
    epochs = [Work(f"{network.name} {loss} epoch {EPOCH}", "epoch", loss)
              for loss in network.losses if loss in TUPLE_LOSSES and network.model in LINKED]
    embeds = [Work(f"{network.name} embed {count}", "embed", network.losses[0], images=count)
              for count in EMBED_COUNTS.get(network.model, ANY_EMBED_COUNTS)]
    return [*steps, *epochs, *embeds]


def trained_works_of(network, epochs):
    """Steps with the weights after each of so many epochs: all else takes as long with any."""
    return [Work(f"{network.name} {loss} step after epoch {count}", "step", loss, trained=count)
            for loss in network.losses for count in epochs]


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


def peers_of(network):
    return TUPLE_PEERS if set(network.losses) <= set(TUPLE_LOSSES) else BATCH_PEERS


class Peer:
    """One framework's form of a network.

    Arguments, all numpy: `params` maps the network's parameters to float32 arrays; `images` is
    float32 [branches * tuples, pixels] in 0..1, all rows of the first branch, then all of the
    second, and so on; `labels` is float32 [tuples], 1 for a similar pair, of the batch-hard loss an
    image's class (triplets have none).

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
        """The embeddings [rows, numbers] of `images`."""
        raise NotImplementedError

    def wait(self, result):
        """Returns once `result` has been computed."""
