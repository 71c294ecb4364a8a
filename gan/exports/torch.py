"""The format of PyTorch: a .pt2 file with an exported program."""

import keras
import torch

TRACED_BATCH = 2  # `torch.export` takes a batch of 1 for a constant


def write(sampler, path):
    with keras.device("cpu"):
        examples = {
            name: torch.zeros((TRACED_BATCH, *tensor.shape[1:]), dtype=getattr(torch, tensor.dtype))
            for name, tensor in sampler.input.items()
        }
        batch = torch.export.Dim("batch")
        program = torch.export.export(
            _Sampler(sampler),
            args=(),
            kwargs=examples,
            dynamic_shapes={name: {0: batch} for name in examples},
            strict=False,
        )
    torch.export.save(program, path)


class _Sampler(torch.nn.Module):
    """Gives the inputs of the sampler names."""

    def __init__(self, sampler):
        super().__init__()
        self.sampler = sampler

    def forward(self, latents, labels=None):
        inputs = {"latents": latents} if labels is None else {"latents": latents, "labels": labels}
        return self.sampler(inputs, training=False)
