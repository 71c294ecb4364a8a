"""Measures whether generated images have patterns, such as a checkerboard, that real images do not have."""

from pathlib import Path

import measuring
import numpy as np

import gan

PERIODS = (2, 4, 8)
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


def measure_power(images):
    """Returns the mean power of images at the wave of each period, over all of their channels."""
    height, width = images.shape[1:3]
    rows, columns = np.ogrid[:height, :width]
    powers = []
    for period in PERIODS:
        phase = round(height / period) * rows / height + round(width / period) * columns / width
        amplitudes = np.einsum("nhwc,hw->nc", images, np.exp(-2j * np.pi * phase))
        powers.append(np.mean(np.abs(amplitudes) ** 2))
    return np.array(powers)


def main():
    arguments = parse_arguments()
    with measuring.running():
        model, source = measuring.open_run(arguments.model, arguments.data)
        real = gan.images.to_float(gan.datasets.read(source, split="test")[0])
        power = measure_power(model.generate(len(real), seed=0)) / measure_power(real)
        print("pixels   power over that of real images")
        for period, ratio in zip(PERIODS, power, strict=True):
            print(f"{period:6}   {ratio:.2f}")


if __name__ == "__main__":
    main()
