"""One step of the generalized model's training; on a GPU it is recorded once and then replayed."""

import torch

from ...networks.generalized import GeneralizedNetwork
from .objective import Lesson, Objective
from .workers import Workers

GRADIENT_NORM_LIMIT = 1.0
"""Without it a run of ours diverged at step 5700 from a few extreme expressions in a row."""
STEPS_BEFORE_RECORDING = 3
"""In which libraries allocate what they need; that cannot be recorded."""


class Optimization:
    """Takes steps, and sums the losses where they are computed, so that nothing waits for them.

    Args:
        network: what is trained, on its device.
        objective: the losses.
        learning_rate: of Adam.
        workers: the processes that train together.
    """

    def __init__(
        self, network: GeneralizedNetwork, objective: Objective, learning_rate: float, workers: Workers
    ) -> None:
        """Make a fresh optimizer."""
        self.network, self.objective, self.workers = network, objective, workers
        self._on_gpu = workers.device.type == "cuda"
        # On a GPU the rate is a tensor, because a recorded step reads it from where it was.
        rate = torch.tensor(learning_rate, device=workers.device) if self._on_gpu else learning_rate
        self.optimizer = torch.optim.Adam(network.parameters(), lr=rate, capturable=self._on_gpu)
        # The two fields do not share a gradient, so a spike in one must not slow down the other.
        self._branches = [
            [*network.identity_encoder.parameters(), *network.identity_field.parameters()],
            [*network.expression_encoder.parameters(), *network.expression_field.parameters()],
        ]
        self._names: list[str] = []
        self._totals: torch.Tensor | None = None
        self._counted = 0
        self._taken = 0
        self._recorded: tuple[torch.cuda.CUDAGraph, Lesson] | None = None

    def load(self, state: dict) -> None:
        """Go on with the optimizer of a checkpoint."""
        rate = self.optimizer.param_groups[0]["lr"]
        self.optimizer.load_state_dict(state)
        self.optimizer.param_groups[0]["lr"] = rate

    def step(self, lesson: Lesson, learning_rate: float) -> None:
        """Learn a lesson."""
        group = self.optimizer.param_groups[0]
        if self._on_gpu:
            group["lr"].fill_(learning_rate)
        else:
            group["lr"] = learning_rate
        if not self._on_gpu or self.workers.count > 1:
            self._learn(lesson)
        elif self._taken < STEPS_BEFORE_RECORDING:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                self._learn(lesson)
            torch.cuda.current_stream().wait_stream(side)
        else:
            if self._recorded is None:
                self._recorded = self._record(lesson)
            graph, shown = self._recorded
            shown.copy_from(lesson)
            graph.replay()
        self._taken += 1
        self._counted += 1

    def mean_losses(self) -> dict[str, float]:
        """Weighted losses by name, averaged over the steps since the last call and over all processes."""
        means = (self._totals / self._counted).tolist()
        self._totals.zero_()
        self._counted = 0
        return self.workers.average(dict(zip(self._names, means, strict=True)))

    def _record(self, lesson: Lesson) -> tuple[torch.cuda.CUDAGraph, Lesson]:
        """The step as a graph, and the tensors in which it finds its lesson."""
        shown = lesson.copy()
        graph = torch.cuda.CUDAGraph()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            self._learn(shown)
        return graph, shown

    def _learn(self, lesson: Lesson) -> None:
        losses = self.objective.losses(self.network, lesson)
        values = torch.stack(list(losses.values()))
        self.optimizer.zero_grad(set_to_none=True)
        values.sum().backward()
        self.workers.average_gradients(self.network.parameters())
        for branch in self._branches:
            torch.nn.utils.clip_grad_norm_(branch, GRADIENT_NORM_LIMIT)
        self.optimizer.step()
        if self._totals is None:
            self._names = list(losses)
            self._totals = torch.zeros_like(values)
        self._totals += values.detach()
