"""What all tests share: the number of threads, and the source data where it is at hand."""

import os
from pathlib import Path

# Before anything imports numpy: tests run side by side with other work, and their results must not hang on the machine.
for variable in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "2")
# As in the worker: threads that wait sleep.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The source data for training, which lies beside the checkout and is not part of the project."""
    folder = Path(os.environ.get("PHYSFACE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the source data is not at {folder}; PHYSFACE_DATA can name another folder")
    return folder
