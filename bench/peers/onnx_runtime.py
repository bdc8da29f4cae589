"""onnxruntime: the embedding only, as the ONNX graph an exporter would write."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from common import THREADS, Peer
from networks import Conv, Dense, Flatten, Normalize

OPSET, IR_VERSION = 17, 8


class GraphWriter:
    """An ONNX graph of nodes in a row. Channels come before lines and columns in it, also in the
    rows that it flattens images to."""

    def __init__(self, params):
        self.params = params
        self.nodes, self.tensors, self.last = [], [], "images"
        self.inputs = slice(None)  # of the next dense layer: which of ours each one is

    def node(self, operator, *tensors, **attributes):
        output = f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [self.last, *tensors], [output], **attributes))
        self.last = output

    def tensor(self, name, array):
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weighted(self, operator, layer, kernel, **attributes):
        self.node(operator, self.tensor(f"{layer.name}.kernel", kernel),
                  self.tensor(f"{layer.name}.bias", self.params[f"{layer.name}.bias"]),
                  **attributes)

    def dense(self, layer):
        self.weighted("Gemm", layer, self.params[f"{layer.name}.kernel"][self.inputs])
        self.inputs = slice(None)
        if layer.activation != "none":
            self.node({"relu": "Relu", "sigmoid": "Sigmoid"}[layer.activation])

    def conv(self, layer):
        self.weighted("Conv", layer, self.params[f"{layer.name}.kernel"].transpose(3, 2, 0, 1),
                      auto_pad="SAME_UPPER" if layer.same else "VALID")
        if layer.relu:
            self.node("Relu")
        if layer.pool:
            self.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])

    def flatten(self, layer):
        shape = (layer.height, layer.width, layer.channels)
        self.inputs = np.arange(np.prod(shape)).reshape(shape).transpose(2, 0, 1).ravel()
        self.node("Flatten")

    def normalize(self, _):
        self.node("LpNormalization", axis=1, p=2)


WRITE = {Dense: GraphWriter.dense, Conv: GraphWriter.conv, Flatten: GraphWriter.flatten,
         Normalize: GraphWriter.normalize}


def make_model(network, params):
    writer = GraphWriter(params)
    for layer in network.layers:
        WRITE[type(layer)](writer, layer)
    *sides, channels = network.image
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(writer.nodes, network.name,
                              [tensor("images", TensorProto.FLOAT, ["n", channels, *sides])],
                              [tensor(writer.last, TensorProto.FLOAT, ["n", network.embedding])],
                              writer.tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                             ir_version=IR_VERSION)


class OnnxRuntime(Peer):
    modules = ("onnx", "onnxruntime")

    without = dict.fromkeys(("step", "epoch"), "onnxruntime embeds only here")

    def embed(self, params, images):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        model = make_model(self.network, params).SerializeToString()
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        images = np.moveaxis(self.network.shaped(images), -1, 1)
        return lambda: session.run(None, {"images": images})[0]
