"""Several processes, on one machine or many, that train one GAN together with JAX.

Each process runs the same command on its own devices and its own share of the images. The first process tells the
others what only it knows, and only the first writes files.
"""

import functools
import socket
from typing import NamedTuple

MEETING_SECONDS = 60
# A process that has not been heard of for so long is given up.
SILENCE_SECONDS = 25
FAREWELL_SECONDS = 10
# The first process may check a large folder of images while the others wait.
ANSWER_SECONDS = 1800


class Processes(NamedTuple):
    """Which processes train together.

    Attributes:
        addresses: Tuple of strings `"host:port"`, one for each process. The first process listens on its port. Each
            process listens on a free port of its own host, too.
        index: Int, the place of this process among them.
    """

    addresses: tuple
    index: int


def find_address_problem(processes):
    """Returns a sentence if this process cannot listen on its address or does not know that of the first, else None."""
    own, first = processes.addresses[processes.index], processes.addresses[0]
    host, port = split_address(own)
    try:
        with socket.socket(_family(host), socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port if processes.index == 0 else 0))
    except OSError as error:
        return f"process {processes.index} cannot listen on {own}: {error.strerror or error}."
    try:
        _family(split_address(first)[0])
    except OSError as error:
        return f"the address of the first process, {first}, is unknown here: {error.strerror or error}."
    return None


def split_address(address):
    """Returns the host and the port of `"host:port"`."""
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)


def _family(host):
    return socket.getaddrinfo(host, None)[0][0]


def join(processes):
    """Waits for the other processes and connects with them. Call it before anything uses a device.

    The connections are neither encrypted nor authenticated: use them in a network that you trust.

    Args:
        processes: A `Processes`.

    Raises:
        ValueError: Another process was started with other addresses, or the backend of Keras is not JAX.
    """
    import keras

    if keras.backend.backend() != "jax":
        raise ValueError("several processes train together with JAX: set KERAS_BACKEND=jax.")
    import jax
    from jax._src import xla_bridge

    host, _ = split_address(processes.addresses[processes.index])
    # By default, JAX listens on every address of the machine, and Gloo on that of the machine's name.
    collectives = xla_bridge._jax.make_gloo_tcp_collectives
    xla_bridge._jax.make_gloo_tcp_collectives = functools.partial(collectives, hostname=host)
    jax.distributed.initialize(
        coordinator_address=processes.addresses[0],
        coordinator_bind_address=processes.addresses[0],
        num_processes=len(processes.addresses),
        process_id=processes.index,
        cluster_detection_method="deactivate",
        initialization_timeout=MEETING_SECONDS,
        heartbeat_timeout_seconds=SILENCE_SECONDS,
        shutdown_timeout_seconds=FAREWELL_SECONDS,
    )
    check_equal("addresses", ",".join(processes.addresses), "was started with other --processes than")


def check_equal(name, value, differs):
    """Makes sure that a value is the same in all processes.

    Args:
        name: String, a name that is used once.
        value: String.
        differs: The middle of the sentence if it is not: "process 1 ... process 0".

    Raises:
        ValueError: The value differs.
    """
    client, index, count = _client()
    client.key_value_set(f"gan/{name}/{index}", value)
    values = [client.blocking_key_value_get(f"gan/{name}/{other}", ANSWER_SECONDS * 1000) for other in range(count)]
    # The first process serves the values, so it stays until all have read them.
    client.wait_at_barrier(f"gan/{name}", ANSWER_SECONDS * 1000)
    for other, its_value in enumerate(values):
        if its_value != values[0]:
            raise ValueError(f"process {other} {differs} process 0.")


def tell(name, value=None):
    """Returns in all processes what the first process passes.

    Args:
        name: String, a name that is used once.
        value: String. Ignored in all processes but the first.
    """
    client, index, _ = _client()
    if index == 0:
        client.key_value_set(f"gan/{name}", value)
        return value
    return client.blocking_key_value_get(f"gan/{name}", ANSWER_SECONDS * 1000)


def send_file(path):
    """Copies a file of the first process to the same path in the others, if it exists."""
    import numpy as np
    from jax.experimental import multihost_utils

    _, index, _ = _client()
    exists = index == 0 and path.exists()
    content = np.frombuffer(path.read_bytes(), "uint8") if exists else np.zeros(0, "uint8")
    size = int(tell(f"size of {path.name}", str(len(content))))
    if not size:
        return
    content = multihost_utils.broadcast_one_to_all(content if index == 0 else np.zeros(size, "uint8"))
    if index:
        path.write_bytes(np.asarray(content, "uint8").tobytes())


def leave():
    """Waits until all processes have finished, and disconnects from them."""
    import jax

    client, _, _ = _client()
    client.wait_at_barrier("gan/end", ANSWER_SECONDS * 1000)
    jax.distributed.shutdown()


def _client():
    """JAX's own connection between the processes, its index and their number."""
    from jax._src import distributed

    state = distributed.global_state
    return state.client, state.process_id, state.num_processes
