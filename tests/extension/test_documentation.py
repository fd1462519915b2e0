"""The documentation: what it links to is there."""

import re


def test_every_link_leads_to_a_file(repository):
    pages = [*repository.glob("*.md"), *repository.glob("docs/**/*.md"), *repository.glob("models/*.md")]
    assert len(pages) > 3
    missing = []
    for page in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:|#", target) and not (page.parent / target.split("#")[0]).exists():
                missing.append(f"{page.relative_to(repository)}: {target}")
    assert missing == []
