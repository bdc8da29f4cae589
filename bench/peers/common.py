"""What all peers share: the graph's numbers, the works, and the interface of an adapter.

The graph: dense 784-64 relu, dense 64-128 relu, dense 128-256, L2 normalisation. Contrastive loss:
mean of y D^2 + (1-y) max(0, margin-D)^2; triplet loss: mean of max(0, D(A,P) - D(A,N) + margin);
D is the Euclidean distance.
"""

PIXELS = 784
LAYERS = ((PIXELS, 64), (64, 128), (128, 256))
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
BRANCHES = {"contrastive": 2, "triplet": 3}

TRAIN_IMAGES, TEST_IMAGES, CLASSES = 60_000, 10_000, 10
TRAIN_PAIRS, TEST_PAIRS = 120_000, 20_000

PARAMETERS = tuple(f"dense{i}.{part}" for i in range(1, len(LAYERS) + 1)
                   for part in ("kernel", "bias"))

STEP_WORKS = {f"fc {loss} step": loss for loss in BRANCHES}
EMBED_WORKS = {f"fc embed {count}": count for count in (1, 256)}
EPOCH_WORK = "fc epoch"
WORKS = (*STEP_WORKS, EPOCH_WORK, *EMBED_WORKS)

# Name: "module.Class" of its adapter; their order is the order of the turns.
PEERS = {"pytorch eager": "pytorch_eager.PyTorchEager",
         "torch.compile": "pytorch_compile.PyTorchCompile",
         "jax jit": "jax_jit.JaxJit",
         "keras": "keras_tensorflow.KerasTensorFlow",
         "onnxruntime": "onnx_runtime.OnnxRuntime"}


class Peer:
    """One framework's form of the graph.

    Arguments, all numpy: `params` maps PARAMETERS to float32 arrays, kernels as (in, out);
    `images` is float32 [branches * tuples, 784] in 0..1, all rows of the first branch, then all of
    the second, and so on; `labels` is float32 [tuples], 1 for a similar pair (triplets have none).

    `step` and `embed` return a function that does the work once, on data that are already where
    the framework wants them; what it returns goes to `wait`, which returns when it is done. What a
    peer has no form of it leaves out, and says why in `without`.
    """

    modules = ()  # whose versions are reported
    without = {}  # work: reason

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
