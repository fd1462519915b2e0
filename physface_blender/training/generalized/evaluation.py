"""How far the network is from the captures: vertex-to-vertex error on unseen frames and unseen identities."""

from pathlib import Path

import numpy as np
import torch

from ...networks.generalized import GeneralizedNetwork
from ..captures import CaptureSynthesizer
from ..expressions import VALIDATION_TAKES, load_take
from ..seeds import VALIDATION_EXPRESSION_SEED, training_identities, unseen_identities


@torch.inference_mode()
def vertex_to_vertex(
    network: GeneralizedNetwork,
    captures: CaptureSynthesizer,
    skin_parting: torch.Tensor,
    identities: torch.Tensor,
    expressions: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean distances in mm over the frontal face, network against capture.

    Args:
        network: the model.
        captures: the truth.
        skin_parting: (S,) parting of the skin vertices.
        identities: (B, 100).
        expressions: (B, 52), one for each identity.

    Returns:
        (B,) error of the performed skin and (B,) error of the neutral skin.
    """
    face = torch.arange(*captures.parts["face"], device=identities.device)
    performed, neutral = [], []
    for identity, expression in zip(identities.split(1), expressions.split(1), strict=True):
        identity_code = network.identity_encoder(identity)
        code = network.encode_expression(torch.cat([expression, torch.zeros_like(expression)]))
        points = captures.mean[face].expand(2, -1, -1)
        moved, still = network.displacement(points, skin_parting[face].expand(2, -1), identity_code.expand(2, -1), code)
        rest = network.rest(points[:1], identity_code)
        performed.append((rest + moved - still - captures.performed(identity, expression, face)).norm(dim=-1).mean())
        neutral.append((rest - captures.neutral(identity, face)).norm(dim=-1).mean())
    return torch.stack(performed), torch.stack(neutral)


def validation_frames(data: Path, count: int) -> torch.Tensor:
    """Frames (count, 52) of the validation takes, evenly mixed, the same for every call with the same count."""
    takes = [load_take(data, name) for name in VALIDATION_TAKES]
    generator = np.random.default_rng(VALIDATION_EXPRESSION_SEED)
    frames = [take[generator.choice(len(take), count // len(takes), replace=False)] for take in takes]
    return torch.as_tensor(np.concatenate(frames), dtype=torch.float32)


def evaluate(
    network: GeneralizedNetwork, captures: CaptureSynthesizer, skin_parting: torch.Tensor, data: Path, count: int = 64
) -> dict[str, float]:
    """Errors in mm on unseen frames: ``dynamic`` (seen identities) and ``static`` (unseen ones, codes not fitted).

    ``count`` frames; identities repeat in order. All captures are synthetic (see ``training.captures``).
    """
    device = skin_parting.device
    frames = validation_frames(data, count).to(device)
    result = {}
    for name, coefficients in (("dynamic", training_identities()), ("static", unseen_identities())):
        rows = coefficients[np.arange(len(frames)) % len(coefficients)]
        identities = torch.as_tensor(rows, dtype=torch.float32, device=device)
        performed, neutral = vertex_to_vertex(network, captures, skin_parting, identities, frames)
        result[f"{name}_v2v_mm"] = float(performed.mean())
        result[f"{name}_v2v_p95_mm"] = float(performed.quantile(0.95))
        result[f"{name}_neutral_v2v_mm"] = float(neutral.mean())
    return result
