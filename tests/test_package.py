"""The names that `import gan` offers."""

import subprocess
import sys

import pytest

import gan


def test_import_is_lazy():
    program = "import sys, gan; dir(gan); assert not {'keras', 'tensorflow', 'matplotlib', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert set(gan.__all__) <= set(dir(gan))
    for name in gan.__all__:
        assert getattr(gan, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'GAM'"):
        gan.GAM  # noqa: B018
