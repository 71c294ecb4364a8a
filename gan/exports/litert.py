"""The format of LiteRT, which was TensorFlow Lite: a .tflite file."""

import re
import tempfile

import tensorflow as tf

from gan.exports import saved_model


def write(sampler, path):
    with tempfile.TemporaryDirectory() as folder:
        saved_model.write(sampler, folder)
        try:
            path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
        except Exception as error:  # of a class that is not public
            if missing := re.search(r"(?:Custom|TF Select) ops: (.+)", str(error)):
                raise ValueError(f"LiteRT does not know the operation {missing[1]}.") from error
            raise
