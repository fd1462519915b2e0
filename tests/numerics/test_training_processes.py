"""Training in two processes that torch's own launcher starts: one network, shared batches, one log, resumed."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from physface_blender.training.generalized.workers import Workers

SCRIPT = Path(__file__).with_name("training_process.py")


def _launch(folder: Path, iterations: int) -> list[dict]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    paths = [str(SCRIPT.parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [*command, str(SCRIPT), str(folder), str(iterations)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads((folder / f"rank_{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.slow
def test_two_processes_train_one_network_and_go_on(tmp_path):
    first, second = _launch(tmp_path, 10)
    assert first["count"] == second["count"] == 2
    assert first["share"] == 2
    # Both took the same steps, with different identities and points.
    assert first["weights"] == second["weights"]
    assert not set(first["seen"]) & set(second["seen"])
    assert (first["told"], second["told"]) == (1, 0)
    again, other = _launch(tmp_path, 20)
    assert again["weights"] == other["weights"] != first["weights"]
    assert len(again["seen"]) == 10  # only the steps that were missing
    with (tmp_path / "log.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["step"]) for row in rows] == [10, 20]


def test_a_batch_that_cannot_be_shared_is_refused():
    workers = Workers(0, 3, torch.device("cpu"))
    with pytest.raises(ValueError, match="16 cannot be shared by 3"):
        workers.share(16)


def test_without_the_launcher_there_is_one_process():
    workers = Workers.join()
    assert (workers.rank, workers.count, workers.is_first) == (0, 1, True)
    assert workers.share(7) == 7
    assert workers.average({"skin": 2.0}) == {"skin": 2.0}
