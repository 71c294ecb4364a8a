"""Several processes, on one machine or many, that train one GAN together with JAX.

Each process runs the same command on its own devices and reads its own share of the training images. The first process
tells the others what only it knows, and only the first writes files.
"""

import functools
import inspect
import socket
from typing import NamedTuple

MEETING_SECONDS = 60
# A process that has been silent for so long is given up.
SILENCE_SECONDS = 25
FAREWELL_SECONDS = 10
# Reading all images, to compare them, takes one process longer than another.
ANSWER_SECONDS = 1800


class Processes(NamedTuple):
    """The processes of a run. Without addresses there is only this one, and nothing has to be told.

    The connections are neither encrypted nor authenticated: use them in a network that you trust.

    Attributes:
        addresses: Tuple of strings `"host:port"`, one for each process. The first process listens on its port. Each
            process also listens on a free port of its own host.
        index: Int, the place of this process among them.
    """

    addresses: tuple = ()
    index: int = 0

    @property
    def is_first(self):
        """Whether this is the first process, which writes the files."""
        return self.index == 0

    def find_address_problem(self):
        """Returns a sentence if this process cannot listen on its address or does not know the first, else None."""
        own, first = self.addresses[self.index], self.addresses[0]
        host, port = split_address(own)
        try:
            with socket.socket(_family(host), socket.SOCK_STREAM) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((host, port if self.is_first else 0))
        except (OSError, UnicodeError) as error:
            return f"process {self.index} cannot listen on {own}: {getattr(error, 'strerror', error)}."
        try:
            _family(split_address(first)[0])
        except (OSError, UnicodeError) as error:
            return f"process {self.index} cannot find the first process, {first}: {getattr(error, 'strerror', error)}."
        return None

    def join(self):
        """Waits for the other processes and connects to them. Call it before anything uses a device.

        Raises:
            ValueError: Another process was started with other addresses, or the backend of Keras is not JAX.
        """
        import keras

        if keras.backend.backend() != "jax":
            raise ValueError("several processes train together only with JAX: set KERAS_BACKEND=jax.")
        import jax
        from jax._src import xla_bridge

        if "heartbeat_timeout_seconds" not in inspect.signature(jax.distributed.initialize).parameters:
            raise ValueError(f"several processes need a newer version of JAX than {jax.__version__}.")
        host, _ = split_address(self.addresses[self.index])
        # By default, JAX listens on every address of the machine, and Gloo on that of the machine's name.
        collectives = xla_bridge._jax.make_gloo_tcp_collectives
        xla_bridge._jax.make_gloo_tcp_collectives = functools.partial(collectives, hostname=host)
        jax.distributed.initialize(
            coordinator_address=self.addresses[0],
            coordinator_bind_address=self.addresses[0],
            num_processes=len(self.addresses),
            process_id=self.index,
            cluster_detection_method="deactivate",
            initialization_timeout=MEETING_SECONDS,
            heartbeat_timeout_seconds=SILENCE_SECONDS,
            shutdown_timeout_seconds=FAREWELL_SECONDS,
        )
        self.check_equal("addresses", ",".join(self.addresses), "was started with other --processes than")
        self.check_equal("jax", jax.__version__, "has another version of JAX than")

    def check_equal(self, name, value, differs):
        """Makes sure that a value is the same in all processes.

        Args:
            name: String, a name that is used once.
            value: String.
            differs: The middle of the sentence if it is not: "process 1 ... process 0".

        Raises:
            ValueError: The value differs.
        """
        if not self.addresses:
            return
        client = _client()
        client.key_value_set(f"gan/{name}/{self.index}", value)
        # The addresses may be what differs.
        count = int(self.tell(f"{name}/count", str(len(self.addresses))))
        values = [client.blocking_key_value_get(f"gan/{name}/{index}", ANSWER_SECONDS * 1000) for index in range(count)]
        # The first process serves the values, so it stays until all have read them.
        client.wait_at_barrier(f"gan/{name}", ANSWER_SECONDS * 1000)
        for index, its_value in enumerate(values):
            if its_value != values[0]:
                raise ValueError(f"process {index} {differs} process 0.")

    def tell(self, name, value):
        """Returns in all processes what the first one passes, a string. The name is used once."""
        if not self.addresses:
            return value
        if self.is_first:
            _client().key_value_set(f"gan/{name}", value)
            return value
        return _client().blocking_key_value_get(f"gan/{name}", ANSWER_SECONDS * 1000)

    def check_devices(self):
        """Makes sure that all processes have as many devices.

        Raises:
            ValueError: A process has another number of them.
        """
        if self.addresses:
            import jax

            self.check_equal("devices", str(jax.local_device_count()), "has another number of devices than")

    def send_file(self, path):
        """Copies a file of the first process, if it exists, to a path of the others."""
        if not self.addresses:
            return
        import numpy as np
        from jax.experimental import multihost_utils

        exists = self.is_first and path.exists()
        content = np.frombuffer(path.read_bytes() if exists else b"", "uint8")
        size = int(multihost_utils.broadcast_one_to_all(np.int32(len(content))))
        if not size:
            return
        content = multihost_utils.broadcast_one_to_all(content if self.is_first else np.zeros(size, "uint8"))
        if not self.is_first:
            path.write_bytes(np.asarray(content, "uint8").tobytes())

    def leave(self):
        """Waits until all processes have finished, and disconnects from them."""
        if not self.addresses:
            return
        import jax

        _client().wait_at_barrier("gan/end", ANSWER_SECONDS * 1000)
        jax.distributed.shutdown()


def split_address(address):
    """Returns the host and the port of `"host:port"`."""
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)


def _family(host):
    return socket.getaddrinfo(host, None)[0][0]


def _client():
    """JAX's own connection between the processes."""
    from jax._src import distributed

    return distributed.global_state.client
