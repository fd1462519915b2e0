"""The style input of N_e from captures: what is left of the skin's error once the muscles do what they can.

Both sides are linear: the features of what was asked for on one, the output layer of N_e on the other. So this is least
squares and not training: seconds for an actor.
"""

from collections.abc import Sequence

import torch

from ..networks.generalized import DISPLACEMENT_SCALE_MM, EXPRESSION_COUNT, GeneralizedModel
from ..networks.style import FEATURE_COUNT, FIELD_WIDTH, STYLE_SIZE, Readout, StyleNetwork
from .style_examples import StyleExamples
from .style_regression import StyleRegression

RIDGE = 0.001
"""On the squares of the coefficients, a frame and a point; chosen, with the next two, by the validation."""
ITERATIONS = 100
"""Of conjugate gradients, which stop early on purpose: what is left would be learned by heart."""
MUSCLE_SHARE = 0.6
"""Of what the muscles were found to do otherwise: they learn the training by heart, and the style input knows better."""
SHAPE_WEIGHT = 4.0
"""Of an error in a static shape beside one in a frame of a performance: few, but each an expression of its own."""
DRAWN, DRAWN_SEED = 600, 1
"""Expressions beside those that were captured, with what the actor's regression says of them."""
VERTEX_STRIDE = 16
BONE_WEIGHT = 0.2
"""Of an error at the bones beside one at the skin: they are fitted as rigid bodies afterwards."""
CHUNK = 32


@torch.no_grad()
def output_coefficients(
    model: GeneralizedModel, styles: StyleNetwork, examples: StyleExamples, muscles: torch.Tensor
) -> torch.Tensor:
    """What each feature adds to the output weights of N_e: (FEATURE_COUNT, 3 FIELD_WIDTH), in the order of ``outputs``.

    The skull stays, and the mandible goes where it was tracked, or where the muscles bring it if it was not.

    Args:
        model: the generalized model.
        styles: whose features are used.
        examples: what one actor showed.
        muscles: (52, FEATURE_COUNT) how its muscles answer.
    """
    coordinates = torch.cat([examples.coordinates[::VERTEX_STRIDE], examples.bones])
    moved = examples.shown[:, ::VERTEX_STRIDE]
    tracked = examples.bones_shown is not None
    bones = examples.bones_shown if tracked else torch.zeros(len(moved), len(examples.bones), 3)
    moved = torch.cat([moved, bones], dim=1)
    regression = StyleRegression.of(examples.blendweights, moved)
    drawn = regression.draw(DRAWN, torch.Generator().manual_seed(DRAWN_SEED))
    asked = torch.cat([examples.asked, (drawn @ examples.shape_weights).clamp(0.0, 1.0)])
    moved = torch.cat([moved, regression(drawn)])
    weight = torch.ones(len(asked), 1)
    weight[: examples.shape_count] = SHAPE_WEIGHT
    point_weight = torch.ones(len(coordinates), 1)
    point_weight[-len(examples.bones) :] = BONE_WEIGHT

    network, field = model.network, model.network.expression_field
    done, _ = styles(asked, Readout(muscles, torch.zeros(STYLE_SIZE, FEATURE_COUNT)))
    inputs = torch.cat([torch.zeros(1, EXPRESSION_COUNT), done.clamp(0.0, 1.0)])
    conditions = network.expression_condition(
        examples.identity_code.expand(len(inputs), -1), network.encode_expression(inputs)
    )
    neutral = field(coordinates[None], conditions[:1])[0]
    seen, left = [], []
    for rows in torch.arange(len(asked)).split(CHUNK):
        values = field.features(coordinates.expand(len(rows), -1, -1), conditions[1 + rows])
        found = values @ field.output_weight(conditions[1 + rows]) + field.output.bias - neutral
        seen.append(point_weight * values)
        residual = point_weight * (moved[rows] / DISPLACEMENT_SCALE_MM - found)
        if not tracked:
            residual[:, -len(examples.bones) :] = 0.0
        left.append(residual)
    features = weight * styles.heard * styles.features(asked)
    return _least_squares(torch.cat(seen), features, weight[..., None] * torch.cat(left))


def _least_squares(seen: torch.Tensor, features: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Coefficients (F, 3 W) with which seen (N, P, W) times features (N, F) times them is near wanted (N, P, 3)."""
    ridge = RIDGE * len(features) * seen.shape[1]

    def forward(found: torch.Tensor) -> torch.Tensor:
        return seen @ (features @ found).unflatten(-1, (3, FIELD_WIDTH)).mT

    def backward(errors: torch.Tensor) -> torch.Tensor:
        return features.T @ (errors.mT @ seen).flatten(1)

    residual = backward(wanted)
    found, direction, energy = torch.zeros_like(residual), residual, residual.square().sum()
    for _ in range(ITERATIONS):
        product = backward(forward(direction)) + ridge * direction
        step = energy / (direction * product).sum()
        found, residual = found + step * direction, residual - step * product
        before, energy = energy, residual.square().sum()
        direction = residual + energy / before * direction
    return found


def shared_basis(coefficients: Sequence[torch.Tensor], sizes: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The output layer (3 FIELD_WIDTH, STYLE_SIZE) that serves several actors best, and the readout Q of each.

    Args:
        coefficients: of ``output_coefficients``.
        sizes: (FEATURE_COUNT,) of the features as they occur: what is seldom heard need not be told exactly.
    """
    weighted = torch.cat([sizes[:, None] * one for one in coefficients])
    basis = torch.linalg.svd(weighted, full_matrices=False)[2][:STYLE_SIZE]
    return basis.T.contiguous(), [(one @ basis.T).T.contiguous() for one in coefficients]


def field_readout(styles: StyleNetwork, coefficients: torch.Tensor) -> torch.Tensor:
    """The readout Q (STYLE_SIZE, FEATURE_COUNT) of a new actor in the output layer that is there."""
    return torch.linalg.lstsq(styles.outputs.weight, coefficients.T).solution
