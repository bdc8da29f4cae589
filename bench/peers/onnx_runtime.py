"""onnxruntime: the embedding only, as the ONNX graph an exporter would write."""

import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from common import EMBEDDING, LAYERS, PIXELS, STEP_WORKS, THREADS, EPOCH_WORK, Peer

OPSET, IR_VERSION = 17, 8


def make_model(params):
    nodes, last = [], "images"
    for i in range(1, len(LAYERS) + 1):
        nodes.append(helper.make_node("Gemm", [last, f"dense{i}.kernel", f"dense{i}.bias"],
                                      [f"dense{i}"]))
        last = f"dense{i}"
        if i < len(LAYERS):
            nodes.append(helper.make_node("Relu", [last], [f"relu{i}"]))
            last = f"relu{i}"
    nodes.append(helper.make_node("LpNormalization", [last], ["embeddings"], axis=1, p=2))
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "fc", [tensor("images", TensorProto.FLOAT, ["n", PIXELS])],
                              [tensor("embeddings", TensorProto.FLOAT, ["n", EMBEDDING])],
                              [numpy_helper.from_array(v, name) for name, v in params.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                             ir_version=IR_VERSION)


class OnnxRuntime(Peer):
    modules = ("onnx", "onnxruntime")
    without = {work: "onnxruntime embeds only here" for work in (*STEP_WORKS, EPOCH_WORK)}

    def embed(self, params, images):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(make_model(params).SerializeToString(), options,
                                               providers=["CPUExecutionProvider"])
        return lambda: session.run(None, {"images": images})[0]
