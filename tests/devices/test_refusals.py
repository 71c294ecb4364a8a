"""What several devices cannot do is refused in a sentence. What the sentence suggests works."""

import json
import os
import subprocess
import sys

import pytest
from conftest import BACKEND, only_on_tensorflow
from programs import run

only_on_jax = pytest.mark.skipif(BACKEND != "jax", reason="keras.distribution needs JAX")
has_devices = pytest.mark.skipif(BACKEND == "torch", reason="PyTorch trains on one device")


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    return json.loads(run("refuse.py", cwd=tmp_path_factory.mktemp("refusals")).splitlines()[-1])


@has_devices
@pytest.mark.parametrize(
    "case, sentence",
    [
        ("batch size", "cannot divide a batch of 15 images: use a batch size of 14 or 16"),
        ("last batch of arrays", "last batch of an epoch, which has 11 images"),
        ("last batch of a split", "last batch of an epoch, which has 9 images"),
        ("last batch of load", "last batch of an epoch, which has 1 images. Drop it: use drop_remainder=True"),
        ("last batch of a PyDataset", "last batch of an epoch, which has 5 images"),
        ("unknown batch size", "dataset.batch(12, drop_remainder=True)"),
        ("odd batch", "cannot divide a batch of 7 images: use a batch size of 6 or 8"),
    ],
)
def test_batches_that_devices_cannot_divide_are_refused(refusals, case, sentence):
    assert sentence in refusals[case]
    assert refusals[case].startswith(("2 devices cannot divide", "on 2 devices"))


@has_devices
@pytest.mark.parametrize("case", ["dropped by load", "dropped by batch"])
def test_dropping_the_rest_trains(refusals, case):
    assert refusals[case] is None


@only_on_jax
@pytest.mark.parametrize(
    "case, sentence",
    [
        ("model parallel", "with keras.distribution.DataParallel, not with ModelParallel"),
        ("built before", "call keras.distribution.set_distribution before you build its networks"),
    ],
)
def test_other_uses_of_keras_distribution_are_refused(refusals, case, sentence):
    assert sentence in refusals[case]


@only_on_tensorflow("tf.distribute needs TensorFlow")
@pytest.mark.parametrize(
    "case, sentence",
    [
        ("another strategy", "not with CentralStorageStrategy. On several machines, train with JAX"),
        ("noise", "GaussianNoise) would draw the same random numbers on every replica"),
        ("accumulation", "generator_optimizer cannot have gradient_accumulation_steps under tf.distribute"),
        ("steps per execution", "steps_per_execution must be 1 under tf.distribute, not 2"),
        ("compiled outside", "with strategy.scope(): model.compile(...)"),
        ("optimizer of outside", "with strategy.scope(): model.compile(...)"),
        ("extractor of outside", "with strategy.scope(): model.compile(...)"),
        ("keras.distribution", "keras.distribution works with JAX"),
    ],
)
def test_what_tf_distribute_cannot_do_is_refused(refusals, case, sentence):
    assert sentence in refusals[case]


@pytest.mark.skipif(BACKEND != "torch", reason="torch.distributed needs PyTorch")
def test_processes_of_torch_distributed_are_refused(tmp_path):
    """Two processes that would train a GAN each. One process alone trains."""
    program = """
import sys, torch, gan
rank, count, file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.distributed.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=count)
model = gan.GAN(gan.build_generator(5, (8,), (6, 6, 1)), gan.build_discriminator((6, 6, 1), (8,)))
try:
    model.compile("sgd", "sgd")
except ValueError as error:
    print(error)
torch.distributed.destroy_process_group()
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def start(rank, count):
        command = [sys.executable, "-c", program, str(rank), str(count), str(tmp_path / f"store{count}")]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    processes = [start(0, 2), start(1, 2), start(0, 1)]
    *refusals, alone = [process.communicate(timeout=120)[0] for process in processes]
    assert all("each of the 2 processes of torch.distributed would train" in refusal for refusal in refusals)
    assert not alone
    assert all(process.returncode == 0 for process in processes)
