"""PyTorch through torch.compile (Inductor, which needs a C++ compiler)."""

import torch

from pytorch_eager import PyTorchEager


class PyTorchCompile(PyTorchEager):

    def prepared(self, function):
        torch._dynamo.reset()  # each work starts afresh: no recompilation for another shape
        return torch.compile(function, fullgraph=True, dynamic=False, mode="max-autotune")
