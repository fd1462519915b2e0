# SPDX-License-Identifier: GPL-3.0-or-later
"""A modulated sine network for one code at many points, fast."""

from concurrent.futures import ThreadPoolExecutor

import torch

from ..networks.modulated_siren import ModulatedSiren
from .sine import overwrite_with_sine

CHUNK_SIZE = 512


class FoldedEvaluator:
    """Evaluates ``ModulatedSiren`` for one code at many points.

    Equal to the module to rounding and about six times faster on one thread: the modulation is folded into the weights
    once, so that a layer is sin(W' h + b') with W' = f W diag(1 + a) and b' = f (b + c), instead of being applied to
    every point; and points go through in chunks whose activations stay in the processor's cache.

    Threads take chunk after chunk and meet once at the end. Torch's own threads would meet at every layer of every
    chunk, and wait for each other spinning: beside other work a layer then took fifty times as long. How many torch uses
    is known to each thread by itself, and numba, which shares its OpenMP library, raises it in the thread that runs
    its loops. So even a single thread is one of our own, where torch is told once to be alone.
    """

    def __init__(self, thread_count: int = 1) -> None:
        """Use this many threads."""
        self._pool = ThreadPoolExecutor(
            thread_count, thread_name_prefix="field", initializer=torch.set_num_threads, initargs=(1,)
        )

    @torch.inference_mode()
    def evaluate(self, field: ModulatedSiren, coordinates: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """The network's output (P, outputs) at coordinates (P, inputs) for one code (1, code_size)."""
        layers = []
        for layer, scale, shift in zip(field.layers, field.scales, field.shifts, strict=True):
            weight = field.frequency * layer.weight * (1.0 + scale(code))
            bias = field.frequency * (layer.bias + shift(code)[0])
            layers.append((weight, bias))
        output_weight = field.output_weight(code)[0]

        @torch.inference_mode()  # holds for one thread
        def through_layers(values: torch.Tensor) -> torch.Tensor:
            for weight, bias in layers:
                values = torch.nn.functional.linear(values, weight, bias)
                overwrite_with_sine(values.numpy().reshape(-1))
            return values @ output_weight + field.output.bias

        chunks = coordinates.split(CHUNK_SIZE)
        return torch.cat(list(self._pool.map(through_layers, chunks)))
