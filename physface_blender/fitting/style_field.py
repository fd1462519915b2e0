"""The style input of N_e from captures: what is left of the skin's error once the muscles do what they can.

Both sides are linear: the features of what was asked for on one, the output layer of N_e on the other. So this is least
squares and not training: seconds for an actor.
"""

import torch

from ..networks.generalized import DISPLACEMENT_SCALE_MM, EXPRESSION_COUNT, GeneralizedModel
from ..networks.style import FEATURE_COUNT, FIELD_WIDTH, STYLE_SIZE, Readout, StyleNetwork
from .style_examples import StyleExamples
from .style_regression import StyleRegression

RIDGE = 1e-4
"""On the squares of the coefficients, a frame and a point; chosen, with the next three, by the validation."""
ITERATIONS = 250
"""Of conjugate gradients."""
SKIN_POINTS, DRAWN_BONES = 250, 100
"""Of every expression, drawn anew for each: the same ones for all would be learned by heart (validation, third of three
actors: 0.349 instead of 0.329 mm)."""
MUSCLE_SHARE = 0.6
"""Of what the muscles were found to do otherwise: they learn the training by heart, and the style input knows better."""
SHAPE_WEIGHT = 4.0
"""Of an error in a static shape beside one in a frame of a performance: few, but each an expression of its own."""
DRAWN, DRAWN_SEED = 600, 1
"""Expressions beside those that were captured, with what the actor's regression says of them."""
BONE_WEIGHT = 0.2
"""Of an error at the bones beside one at the skin: they are fitted as rigid bodies afterwards."""
CHUNK = 32


@torch.no_grad()
def field_readout(
    model: GeneralizedModel, styles: StyleNetwork, examples: StyleExamples, muscles: torch.Tensor
) -> torch.Tensor:
    """What each feature adds to the style input of N_e: the readout Q (STYLE_SIZE, FEATURE_COUNT).

    The skull stays, and the mandible goes where it was tracked, or where the muscles bring it if it was not.

    Args:
        model: the generalized model.
        styles: whose features are used.
        examples: what one actor showed.
        muscles: (52, FEATURE_COUNT) how its muscles answer.
    """
    generator = torch.Generator().manual_seed(DRAWN_SEED)
    tracked = examples.bones_shown is not None
    regression = StyleRegression.of(examples.blendweights, _moved(examples))
    drawn = regression.draw(DRAWN, generator)
    asked = torch.cat([examples.asked, (drawn @ examples.shape_weights).clamp(0.0, 1.0)])
    vertices = torch.randint(len(examples.coordinates), (len(asked), SKIN_POINTS), generator=generator)
    bones = torch.randint(len(examples.bones), (len(asked), DRAWN_BONES), generator=generator)
    points = torch.cat([vertices, len(examples.coordinates) + bones], dim=1)
    places = torch.cat([examples.coordinates, examples.bones])
    weight = torch.ones(len(asked), 1)
    weight[: examples.shape_count] = SHAPE_WEIGHT
    point_weight = torch.ones(points.shape[1], 1)
    point_weight[SKIN_POINTS:] = BONE_WEIGHT

    network, field = model.network, model.network.expression_field
    done, _ = styles(asked, Readout(muscles, torch.zeros(STYLE_SIZE, FEATURE_COUNT)))
    inputs = torch.cat([torch.zeros(1, EXPRESSION_COUNT), done.clamp(0.0, 1.0)])
    conditions = network.expression_condition(
        examples.identity_code.expand(len(inputs), -1), network.encode_expression(inputs)
    )
    neutral = field(places[None], conditions[:1])[0]
    seen, left = [], []
    for rows in torch.arange(len(asked)).split(CHUNK):
        values = field.features(places[points[rows]], conditions[1 + rows])
        found = values @ field.output_weight(conditions[1 + rows]) + field.output.bias - neutral[points[rows]]
        seen.append(point_weight * values)
        captured = rows < len(examples.asked)
        everywhere = torch.cat(
            [_moved(examples, rows[captured]), regression(drawn[rows[~captured] - len(examples.asked)])]
        )
        moved = torch.gather(everywhere, 1, points[rows, :, None].expand(-1, -1, 3))
        residual = point_weight * (moved / DISPLACEMENT_SCALE_MM - found)
        if not tracked:
            residual[:, SKIN_POINTS:] = 0.0
        left.append(residual)
    features = weight * styles.heard * styles.features(asked)
    return _least_squares(torch.cat(seen), features, weight[..., None] * torch.cat(left)).T.contiguous()


def _moved(examples: StyleExamples, rows: torch.Tensor | slice = slice(None)) -> torch.Tensor:
    """How skin and bones moved in some of the examples, (N, V + J, 3) in mm; bones stay where they were not tracked."""
    skin = examples.shown[rows]
    still = torch.zeros(len(skin), len(examples.bones), 3)
    return torch.cat([skin, still if examples.bones_shown is None else examples.bones_shown[rows]], dim=1)


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
