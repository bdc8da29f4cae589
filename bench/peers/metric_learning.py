"""pytorch-metric-learning: its miner and its loss, eager and through torch.compile.

Its distances need not normalise again what the network has normalised; without that a step takes a
tenth less. Its mean is over all images, as ours, not over those that cost something.
"""

import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner
from pytorch_metric_learning.reducers import MeanReducer

from common import MARGIN
from pytorch_eager import PyTorchEager, embed

DISTANCE = LpDistance(normalize_embeddings=False)
MINE = BatchHardMiner(distance=DISTANCE)
LOSS = TripletMarginLoss(margin=MARGIN, distance=DISTANCE, reducer=MeanReducer())


def batch_hard(net, images, classes):
    e = embed(net, images)
    return LOSS(e, classes, MINE(e, classes))


class MetricLearning(PyTorchEager):
    modules = ("torch", "pytorch-metric-learning")
    losses = {"batch_hard": batch_hard}


class MetricLearningCompiled(MetricLearning):

    def prepared(self, function):
        torch._dynamo.reset()
        # Not as one graph: how many triplets the miner finds depends on the data.
        return torch.compile(function, dynamic=False, mode="max-autotune")
