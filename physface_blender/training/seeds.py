"""Every seed of the training and evaluation data, in one place."""

import numpy as np
import numpy.typing as npt

TRAINING_IDENTITIES = 336
UNSEEN_IDENTITIES = 28
TRAINING_IDENTITY_SEED = 20240336
UNSEEN_IDENTITY_SEED = 20240028
RANDOM_IDENTITY_SEED = 20240100
TRAINING_LOOP_SEED = 1
VALIDATION_EXPRESSION_SEED = 7


def training_identities() -> npt.NDArray[np.float64]:
    """Identity coefficients (336, 100) of the training set, N(0, 1)."""
    return np.random.default_rng(TRAINING_IDENTITY_SEED).standard_normal((TRAINING_IDENTITIES, 100))


def unseen_identities() -> npt.NDArray[np.float64]:
    """Identity coefficients (28, 100) that training never sees, N(0, 1)."""
    return np.random.default_rng(UNSEEN_IDENTITY_SEED).standard_normal((UNSEEN_IDENTITIES, 100))


def random_identities(count: int) -> npt.NDArray[np.float64]:
    """Identity coefficients (count, 100) for tests of robustness, N(0, 1); training draws none of them."""
    return np.random.default_rng(RANDOM_IDENTITY_SEED).standard_normal((count, 100))


ACTOR_IDENTITY_SEED = 20240019
ACTOR_STYLE_SEEDS = (173, 223, 130, 75, 14, 228, 93, 74, 218)
"""Of ``training.style.style_map.draw_style_map``. Chosen among the first 240 for being far from the plain performance,
1 mm on average over a range of motion and strong mixed expressions, while no vertex goes farther than 9.3 mm from it: a
style that is blended in by steps of 0.05 then moves nothing by half a millimeter at once."""
TRAINED_ACTORS = 6
STYLE_TRAINING_SEED = 1


def actor_identities() -> npt.NDArray[np.float64]:
    """Identity coefficients (9, 100) of the synthetic actors, N(0, 1) cut at 2.5; training sees none of them elsewhere."""
    drawn = np.random.default_rng(ACTOR_IDENTITY_SEED).standard_normal((len(ACTOR_STYLE_SEEDS), 100))
    return np.clip(drawn, -2.5, 2.5)
