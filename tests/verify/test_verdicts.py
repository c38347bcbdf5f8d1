"""Verdicts as a Markdown page."""

from verify import Paper, judge
from verify.verdicts import markdown


def test_a_paper_has_one_table_whatever_the_order_of_the_records():
    papers = {}
    for slug in ("a", "b"):
        paper = papers[slug] = Paper(slug, arxiv="0000.00000", title=f"On {slug}", authors=("A. Author",), year=2026)
        for name in ("one", "two"):

            def body(check, value=True):
                """True."""
                check.proves(value)

            body.__name__ = name
            paper.claim("Eq. 1", mutants={"false": {"value": False}})(body)
    order = [papers[slug].claims[name] for slug, name in (("a", "one"), ("b", "one"), ("a", "two"))]
    page = markdown([judge(claim, "quick") for claim in order], papers)
    assert "| On a (arXiv 0000.00000) | 2 | 2/2 |\n| On b (arXiv 0000.00000) | 1 | 1/1 |\n" in page
    assert [page.count(f"## On {slug} ") for slug in papers] == [1, 1]
    assert page.index("| a.one |") < page.index("| a.two |") < page.index("| b.one |")
