"""What a training run goes on from when it was stopped."""

from pathlib import Path
from typing import Any

import torch


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a run; a run that is stopped meanwhile still finds the checkpoint before.

    Args:
        path: of the checkpoint.
        state: what ``torch.load`` shall return.
    """
    temporary = path.with_suffix(".part")
    torch.save(state, temporary)
    temporary.replace(path)
