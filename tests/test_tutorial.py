"""The tutorial notebook runs from top to bottom, at reduced size."""

import pytest
from reduced import REPOSITORY

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")


def test_tutorial_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{REPOSITORY}:{REPOSITORY / 'tests'}")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    notebook = nbformat.read(REPOSITORY / "docs" / "tutorial.ipynb", as_version=4)
    reduction = "import reduced; reduced.shrink_data(); reduced.shrink_training()"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(reduction))
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 4
    assert (tmp_path / "runs" / "tutorial" / "model.keras").is_file()
