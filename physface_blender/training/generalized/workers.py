"""The processes that train one network together, as torch's own launcher starts them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class Workers:
    """This process among those that train together; without the launcher the only one.

    ``torchrun --nproc-per-node N -m physface_blender.training MODEL`` starts N of them, one for each device. Each takes
    its share of every batch, and all take the same step with the mean of their gradients.

    Attributes:
        rank: number of this process, from 0.
        count: how many there are.
        device: where this one computes.
    """

    rank: int
    count: int
    device: torch.device

    @classmethod
    def join(cls) -> Self:
        """Meet the other processes: over NCCL where each has a GPU of its own, else over gloo."""
        gpus = torch.cuda.device_count()
        if not distributed.is_torchelastic_launched():
            return cls(0, 1, torch.device("cuda" if gpus else "cpu"))
        # A process that is started by the launcher finds these in its environment.
        local, local_count = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
        own_gpu = gpus >= local_count
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if own_gpu else "gloo")
        device = torch.device("cuda", local) if own_gpu else torch.device("cpu")
        return cls(distributed.get_rank(), distributed.get_world_size(), device)

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and tells the progress."""
        return self.rank == 0

    def share(self, batch: int) -> int:
        """How many pairs of a batch this process takes.

        Raises:
            ValueError: the batch cannot be divided evenly.
        """
        if batch % self.count:
            raise ValueError(
                f"A batch of {batch} cannot be shared by {self.count} processes; take a divisor of {batch}."
            )
        return batch // self.count

    def same_start(self, network: nn.Module) -> None:
        """Give all processes the first one's weights."""
        if self.count > 1:
            for tensor in (*network.parameters(), *network.buffers()):
                distributed.broadcast(tensor.data, src=0)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their mean over all processes, in one message."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        joined = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(joined)
        joined /= self.count
        for gradient, mean in zip(gradients, joined.split([each.numel() for each in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def average(self, values: dict[str, float]) -> dict[str, float]:
        """The mean of numbers over all processes, by the same names."""
        if self.count == 1:
            return values
        joined = torch.tensor(list(values.values()), dtype=torch.float32, device=self.device)
        distributed.all_reduce(joined)
        return dict(zip(values, (joined / self.count).tolist(), strict=True))

    def leave(self) -> None:
        """Wait for the others and part from them."""
        if distributed.is_initialized():
            distributed.barrier()
            distributed.destroy_process_group()
