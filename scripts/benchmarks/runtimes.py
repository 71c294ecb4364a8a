"""Loads exported files as a program without Keras does.

Each function takes a path and returns a function from a dict of NumPy arrays to a NumPy array of images.
"""


def load_saved_model(path):
    import tensorflow as tf

    program = tf.saved_model.load(path).signatures["serving_default"]
    return lambda inputs: program(**{name: tf.constant(array) for name, array in inputs.items()})["images"].numpy()


def load_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    return lambda inputs: session.run(["images"], inputs)[0]


def load_litert(path):
    from ai_edge_litert.interpreter import Interpreter

    program = Interpreter(str(path)).get_signature_runner()
    return lambda inputs: program(**inputs)["images"]


def load_torch(path):
    import torch

    program = torch.export.load(path).module()

    def run(inputs):
        with torch.no_grad():
            return program(**{name: torch.tensor(array) for name, array in inputs.items()})["images"].numpy()

    return run


LOADERS = {"saved_model": load_saved_model, "onnx": load_onnx, "litert": load_litert, "torch": load_torch}
# The module of each runtime.
MODULES = {"saved_model": "tensorflow", "onnx": "onnxruntime", "litert": "ai_edge_litert", "torch": "torch"}
