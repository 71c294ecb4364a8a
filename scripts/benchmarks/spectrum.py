"""Measures whether generated images have patterns, such as a checkerboard, that real images do not have."""

from pathlib import Path

import measuring
import numpy as np

import gan

PERIODS = (2, 4, 8)
BATCH_SIZE = 500
DESCRIPTION = """Measures whether generated images have patterns, such as a checkerboard, that real images do not have.

Prints the power of generated images at diagonal waves of 2, 4 and 8 pixels in each direction, divided by the power of
as many test images. 1 is as in real images; far more is a visible pattern, such as the dots and blocks that upsampling
can leave, and less is blur.
"""


def build_parser():
    parser = measuring.make_parser("spectrum", DESCRIPTION)
    parser.add_argument("model", type=Path, metavar="RUN", help="a run's folder, or a .keras file")
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def generate(model, count):
    """Generates images, of all classes in turn."""
    for start in range(0, count, BATCH_SIZE):
        numbers = range(start, min(start + BATCH_SIZE, count))
        if model.num_classes is None:
            yield model.generate(len(numbers), seed=start)
        else:
            yield model.generate(labels=[number % model.num_classes for number in numbers], seed=start)


def measure_power(batches):
    """Returns the mean power of images at the wave of each period, over all of their channels."""
    powers = []
    for images in batches:
        height, width = images.shape[1:3]
        spectrum = np.abs(np.fft.fft2(images, axes=(1, 2))) ** 2
        powers.append([spectrum[:, round(height / period), round(width / period)].mean(-1) for period in PERIODS])
    return np.concatenate(powers, axis=1).mean(1)


def main():
    arguments = parse_arguments()
    with measuring.running():
        model, source = measuring.open_run(arguments.model, arguments.data)
        real = gan.images.to_float(gan.datasets.read(source, split="test")[0])
        generated = generate(model, len(real))
        power = measure_power(np.asarray(batch) for batch in generated) / measure_power([real])
        print("pixels   power over that of real images")
        for period, ratio in zip(PERIODS, power, strict=True):
            print(f"{period:6}   {ratio:.2f}")


if __name__ == "__main__":
    main()
