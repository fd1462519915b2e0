"""The documentation: what it links to is there."""

import re

import pytest


def test_every_link_leads_to_a_file(repository):
    pages = [*repository.glob("*.md"), *repository.glob("docs/**/*.md"), *repository.glob("models/*.md")]
    assert len(pages) > 3
    missing = []
    for page in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:|#", target) and not (page.parent / target.split("#")[0]).exists():
                missing.append(f"{page.relative_to(repository)}: {target}")
    assert missing == []


@pytest.mark.parametrize("page", ["docs/guide/wishes.md"])
def test_every_test_that_a_page_names_is_there(repository, page):
    named = re.findall(r"`(tests/[a-z_/]+\.py)(?:::(\w+))?`", (repository / page).read_text(encoding="utf-8"))
    assert len(named) > 10
    for file, name in named:
        source = (repository / file).read_text(encoding="utf-8")
        assert f"def {name or 'main'}(" in source, f"{page} names {file}::{name}"
