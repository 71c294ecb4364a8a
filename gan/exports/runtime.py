"""The files of ONNX Runtime Web, which runs a generator in a browser: from npm once, then from the cache."""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from gan.files import cache_folder, written_whole

VERSION = "1.24.3"
MEGABYTES = 31
# The SHA-256 of each file. The module contains the JavaScript that the binary needs.
MODULE = "ort.wasm.bundle.min.mjs"
BINARY = "ort-wasm-simd-threaded.wasm"
DIGESTS = {
    MODULE: "9f716d6e3c4280dcced6f0fcb9814c1d7630de83d8177880a2ef445fe48ca913",
    BINARY: "be0e129949062ad50290ef94683fac8be5bb6156f709e030b7a5f1661a2f6c17",
}


def read():
    """Returns a dict from the names of the files to their bytes. Downloads what is not in the cache.

    Raises:
        ImportError: npm is missing, cannot download the package, or downloads other files than those of the release.
    """
    folder = cache_folder() / f"onnxruntime-web-{VERSION}"
    found = {name: path.read_bytes() for name in DIGESTS if (path := folder / name).is_file()}
    if _find_wrong(found):
        found = _download(folder)
        for name, content in found.items():
            with written_whole(folder / name) as partial:
                partial.write_bytes(content)
    return found


def _find_wrong(files):
    """Returns the name of a file that is missing or not that of the release, or None."""
    return next((name for name in DIGESTS if hashlib.sha256(files.get(name, b"")).hexdigest() != DIGESTS[name]), None)


def _download(folder):
    npm = shutil.which("npm")
    if npm is None:
        raise ImportError(
            f"format html needs ONNX Runtime Web {VERSION}, which npm downloads once. Install Node.js, which brings "
            f"npm, or copy {' and '.join(DIGESTS)} from this version's npm package into {folder}."
        )
    print(f"downloading ONNX Runtime Web {VERSION} with npm, {MEGABYTES} MB, once", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        command = [npm, "pack", f"onnxruntime-web@{VERSION}", "--pack-destination", temporary, "--fetch-retries=0"]
        result = subprocess.run(command, capture_output=True, text=True, cwd=temporary)
        (archive, *_) = [*Path(temporary).glob("*.tgz"), None]
        if archive is None:
            lines = [line for line in result.stderr.splitlines() if line.strip()]
            reason = lines[0] if lines else f"npm ended with status {result.returncode}"
            raise ImportError(f"format html needs ONNX Runtime Web {VERSION}, which npm cannot download ({reason}).")
        with tarfile.open(archive) as package:
            names = set(package.getnames())
            paths = {name: f"package/dist/{name}" for name in DIGESTS}
            files = {name: package.extractfile(path).read() for name, path in paths.items() if path in names}
    if wrong := _find_wrong(files):
        raise ImportError(
            f"format html needs ONNX Runtime Web {VERSION}, and npm downloaded another {wrong} than the release has."
        )
    return files
