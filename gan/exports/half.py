"""ONNX files of half the size."""

import numpy as np
import onnx

LEAST_WEIGHTS = 1024  # smaller tensors, such as biases, cost nothing


def halve(content):
    """Stores the large weights of an ONNX model in half precision. It still computes in float32.

    Args:
        content: Bytes of an ONNX model.

    Returns:
        Bytes of the model, about half as many.
    """
    model = onnx.load_from_string(content)
    casts = []
    for tensor in model.graph.initializer:
        weights = onnx.numpy_helper.to_array(tensor)
        if (
            weights.dtype != np.float32
            or weights.size < LEAST_WEIGHTS
            or np.abs(weights).max() > np.finfo("float16").max
        ):
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(weights.astype("float16"), f"{name}_half"))
        casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()
