"""The format of ONNX."""

import tf2onnx

from gan.exports.saved_model import as_function


def write(sampler, path):
    function = as_function(sampler)
    model, _ = tf2onnx.convert.from_function(function, function.input_signature)
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    path.write_bytes(model.SerializeToString())
