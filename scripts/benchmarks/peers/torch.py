"""A hand-written PyTorch loop: `torch.nn` networks, `torch.optim` and one pass forward for both losses."""

import copy
import math

import torch
from torch import nn
from torch.nn import functional

KERNEL_OF_TRANSPOSED = 4
KERNEL = 5


class Loop:
    """Trains the networks of a preset.

    Args:
        settings: Dict of settings of a preset.
        images: Float array `(count, height, width, channels)` in [-1, 1].
    """

    def __init__(self, settings, images):
        self.settings = settings
        self.images = torch.tensor(images).permute(0, 3, 1, 2).contiguous()
        build = build_mlp if settings["networks"] == "mlp" else build_conv
        self.generator, self.discriminator = build(settings, self.images.shape[1:])
        self.average = copy.deepcopy(self.generator) if settings["averaging"] else None
        self.generator_optimizer, self.discriminator_optimizer = (
            torch.optim.Adam(
                network.parameters(), settings[f"{player}_lr"], (settings["beta_1"], settings["beta_2"]), eps=1e-7
            )
            for player, network in (("generator", self.generator), ("discriminator", self.discriminator))
        )
        self.step = 0

    def batches(self):
        """Shuffled batches without end."""
        while True:
            for indices in torch.randperm(len(self.images)).split(self.settings["batch_size"]):
                yield self.images[indices]

    def train(self, images):
        """Trains on a batch. Returns the generator's loss."""
        is_penalized = self.settings["r1"] > 0 and self.step % self.settings["regularize_every"] == 0
        self.step += 1
        images.requires_grad_(is_penalized)
        latents = torch.randn(len(images), self.settings["latent_dim"])
        fakes = self.generator(latents)
        real_logits, fake_logits = self.discriminator(images), self.discriminator(fakes)
        g_loss = functional.softplus(-fake_logits).mean()
        d_loss = functional.softplus(-real_logits).mean() + functional.softplus(fake_logits).mean()
        if is_penalized:
            (gradients,) = torch.autograd.grad(real_logits.sum(), images, create_graph=True)
            penalty = 0.5 * gradients.square().sum(dim=(1, 2, 3)).mean()
            d_loss = d_loss + self.settings["r1"] * self.settings["regularize_every"] * penalty
        self.generator_optimizer.zero_grad()
        self.discriminator_optimizer.zero_grad()
        g_loss.backward(inputs=list(self.generator.parameters()), retain_graph=True)
        d_loss.backward(inputs=list(self.discriminator.parameters()))
        self.generator_optimizer.step()
        self.discriminator_optimizer.step()
        if self.average is not None:
            self._update_average()
        return g_loss.item()

    @torch.no_grad()
    def _update_average(self):
        decay = min(self.settings["averaging"], (1 + self.step) / (10 + self.step))
        weights = self.generator.state_dict()
        for name, average in self.average.state_dict().items():
            if average.is_floating_point():
                average.lerp_(weights[name], 1 - decay)


def build_mlp(settings, image_shape):
    pixels = math.prod(image_shape)
    generator, size = [], settings["latent_dim"]
    for width in settings["generator_widths"]:
        generator += [nn.Linear(size, width), nn.ReLU(), nn.BatchNorm1d(width, eps=1e-3, momentum=0.2)]
        size = width
    generator += [nn.Linear(size, pixels), nn.Tanh(), nn.Unflatten(1, image_shape)]
    discriminator, size = [nn.Flatten()], pixels
    for width in settings["discriminator_widths"]:
        discriminator += [nn.Linear(size, width), nn.ReLU(), nn.Dropout(settings["dropout"])]
        size = width
    return nn.Sequential(*generator), nn.Sequential(*discriminator, nn.Linear(size, 1))


class Smoothing(nn.Module):
    """Smooths each channel by [1, 2, 1] / 4 along both sides."""

    def __init__(self, channels):
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", torch.outer(taps, taps).repeat(channels, 1, 1, 1))

    def forward(self, images):
        return nn.functional.conv2d(images, self.kernel, padding=1, groups=len(self.kernel))


def build_conv(settings, image_shape):
    """A generator from images of 7x7 to 28x28, and a discriminator to 4x4: the sizes of the preset `fast`."""
    channels, side, _ = image_shape
    width = settings["generator_width"]
    start = (2 * width, side // 4, side // 4)
    upsample = {"kernel_size": KERNEL_OF_TRANSPOSED, "stride": 2, "padding": 1}
    generator = nn.Sequential(
        nn.Linear(settings["latent_dim"], math.prod(start), bias=False),
        nn.Unflatten(1, start),
        nn.BatchNorm2d(2 * width, eps=1e-3, momentum=0.01),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, bias=False, **upsample),
        nn.BatchNorm2d(width, eps=1e-3, momentum=0.01),
        nn.ReLU(),
        nn.ConvTranspose2d(width, channels, **upsample),
        Smoothing(channels),
        nn.Tanh(),
    )
    discriminator, size = [], channels
    for width in (settings["discriminator_width"] * factor for factor in (1, 2, 4)):
        discriminator += [nn.Conv2d(size, width, KERNEL, stride=2, padding=2), nn.LeakyReLU(0.2)]
        size, side = width, math.ceil(side / 2)
    return generator, nn.Sequential(*discriminator, nn.Flatten(), nn.Linear(size * side**2, 1))


def compile_products(products):
    """Prepares a function that computes `(one, other, transpose_one, transpose_other)` for each product.

    Returns:
        A function without arguments.
    """
    pairs = [
        (_tensor(one, transpose_one), _tensor(other, transpose_other))
        for one, other, transpose_one, transpose_other in products
    ]
    return lambda: [one @ other for one, other in pairs]


def _tensor(matrix, is_transposed):
    return torch.tensor(matrix).T if is_transposed else torch.tensor(matrix)
