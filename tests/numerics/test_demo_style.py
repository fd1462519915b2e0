"""Styles from the words of a command line."""

import pytest

from physface_blender.backend.errors import StyleError
from physface_blender.demo.style_options import style_from_words


def test_words():
    assert style_from_words(None) == {}
    assert style_from_words("actor_3") == {"actor_3": 1.0}
    assert style_from_words("actor_3:0.6, actor_5:0.4") == {"actor_3": 0.6, "actor_5": 0.4}
    assert style_from_words("C:/mine.safetensors:0.5") == {"C:/mine.safetensors": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("actor_3:much", "number"),
        (":0.5", "names with weights"),
        ("", "names with weights"),
        ("actor_3:1.5", "between 0 and 1"),
        ("actor_3:nan", "between 0 and 1"),
        ("actor_3:0.8,actor_5:0.4", r"add up to 1\.2"),
    ],
)
def test_words_that_cannot_be_followed(text, message):
    with pytest.raises(StyleError, match=message):
        style_from_words(text)
