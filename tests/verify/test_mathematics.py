"""Formulas of statements as MathML and as Unicode; every registered statement converts."""

import json
import re
import unicodedata
from xml.etree import ElementTree

import pytest

from verify import discover
from verify.mathematics import Span, spans, to_mathml, to_text

CLAIMS = [claim for paper in discover().values() for claim in paper.claims.values()]
WRITTEN_OTHERWISE = str.maketrans("", "", "ΣΠT⊤")  # sums, products and transposes have another sign in MathML


def local_names(mathml: str) -> list[str]:
    return [element.tag.rpartition("}")[2] for element in ElementTree.fromstring(mathml).iter()]


def test_a_statement_is_split_at_its_dollar_signs():
    assert spans(r"If $x > 0$, it costs \$5: $y$") == [
        Span("If ", False),
        Span("x > 0", True),
        Span(", it costs $5: ", False),
        Span("y", True),
    ]
    assert spans("no formula") == [Span("no formula", False)]


@pytest.mark.parametrize("statement", ["An open $x", "$x$ and $", "$$x$$", "an empty $ $"])
def test_a_formula_without_end_or_content_is_refused(statement):
    with pytest.raises(ValueError, match=re.escape(repr(statement))):
        spans(statement)


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"\frac{a+b}{c}", "(a+b)/c"),
        (r"\frac{a}{2\sigma}", "a/(2σ)"),
        (r"\frac{\sqrt{\delta^2 + \pi^2}}{|\Delta|}", "√(δ² + π²)/|Δ|"),
        (r"\frac{f(x + 1)}{g(x)}", "f(x + 1)/(g(x))"),
        (r"\frac{1}{(a)(b)}", "1/((a)(b))"),
        (r"\frac{1}{2} \kappa", "½ κ"),
        (r"\tfrac{x}{2} + \dfrac{a+b}{c}", "x/2 + (a+b)/c"),
        (r"\sqrt{M} \sqrt{2M} \sqrt{\sigma_x} \sqrt{a(b)} \sqrt[4]{q}", "√M √(2M) √σ_x √(a(b)) ⁴√q"),
        (r"x_1^2 - x_{10} + e^{-10} - e^{-t}", "x₁² − x₁₀ + e⁻¹⁰ − e^{−t}"),
        (r"a_k, a_{ij}, x^{n_k}, \tau_H, x_{\min}, \rho^*", "a_k, a_{ij}, x^{n_k}, τ_H, x_{min}, ρ*"),
        (r"W^\top W", "WᵀW"),
        (r"\mathbb{E}\,X \sim \mathcal{N}(0, 1)", "E X ∼ N(0, 1)"),
        (r"\mathrm{KL}(p \| \tilde q_{\text{co}})", "KL(p ‖ q̃_{co})"),
        (r"\hat{\alpha} - \hat\beta + \ddot h", "α̂ − β̂ + ḧ"),
        (r"\alpha x \log \kappa \ln x \le \partial f", "αx log κ ln x ≤ ∂f"),
        (r"f''(x) \ne \operatorname{Re} z", "f''(x) ≠ Re z"),
        (r"\left(x \mid \dots\right) \|", "(x | …) ‖"),
        (r"\pm i \pm \sum t_k", "±i ± Σ t_k"),
        (r"c\neq 0<x, \sum_{j > n} \frac{df}{d\theta}", "c ≠ 0 < x, Σ_{j>n} df/dθ"),
        (r"\sim 10\to\infty", "∼ 10 → ∞"),
        (r"x-y \text{well-known}", "x−y well-known"),
        (r"-\langle p, t\rangle", "−⟨p, t⟩"),
        (r"\frac{\partial^2u}{\partial x^2} + \frac{\log x}{2}", "∂²u/∂x² + (log x)/2"),
        (r"\operatorname*{arg\,min}_x \deg p", "arg min_x deg p"),
        (r"50\,\% \{1\}", "50 % {1}"),
        (r"{}_2F_1", "₂F₁"),
    ],
)
def test_formulas_read_as_one_would_type_them(tex, text):
    assert to_text(f"If ${tex}$ and") == f"If {text} and"


def test_lines_and_prose_stay_as_they_are():
    assert (
        to_text("Well-known.\n\nIt is $a\n- b$ - or not: ``x_1``.") == "Well-known.\n\nIt is a\n− b - or not: ``x_1``."
    )


@pytest.mark.parametrize("tex", [r"\frac{a", r"a}", r"\nosuchmacro x", "x^", "a & b", "a % b", r"\sqrt", r"\hat{}"])
def test_malformed_formulas_are_refused(tex):
    with pytest.raises(ValueError, match="formula"):
        to_text(f"${tex}$")
    with pytest.raises(ValueError, match="formula"):
        to_mathml(tex)


@pytest.mark.parametrize("tex", ["x^1^2", r"\left(x", r"\lim\limits"])
def test_formulas_that_mathml_cannot_hold_are_refused(tex):
    with pytest.raises(ValueError, match="formula"):
        to_mathml(tex)


def test_mathml_is_an_element_of_its_kind():
    inline, display = to_mathml(r"\frac{a}{\sqrt{b_1}}"), to_mathml("a", display=True)
    assert local_names(inline)[0] == "math"
    assert {"mfrac", "msqrt", "msub"} <= set(local_names(inline))
    assert 'display="inline"' in inline
    assert 'display="block"' in display


def test_records_keep_tex_and_readers_get_unicode(demo):
    claims = demo.folder / "demo_checks" / "claims.py"
    claims.write_text(claims.read_text().replace("The square of an integer", r"$x^2$ for $x \\in [a]$"))
    options = ("--claim", "demo.square_is_a_product", "--json", "out.json", "--markdown", "out.md")
    shown = demo.verify("run", *options).stdout
    assert shown.count("x² for x ∈ [a] is its product with itself.") == 2  # in the table and in the story
    assert "x² for x ∈ [a]" in (demo.folder / "out.md").read_text()
    assert "x² for x ∈ [a]" in demo.verify("list", "--paper", "demo").stdout
    assert r"$x^2$ for $x \in [a]$" in json.loads((demo.folder / "out.json").read_text())[0]["statement"]


def test_nothing_runs_if_a_statement_cannot_be_shown(demo):
    claims = demo.folder / "demo_checks" / "claims.py"
    claims.write_text(claims.read_text().replace("The square of an integer", "$x"))
    done = demo.verify("run", "--paper", "demo")
    assert done.returncode == 2
    assert "claim demo.square_is_a_product: statement '$x is its product" in done.stderr


def letters_and_digits(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).translate(WRITTEN_OTHERWISE)
    return sorted(filter(str.isalnum, plain))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_both_forms_of_every_statement_have_the_same_letters_and_digits(claim):
    for span in spans(claim.statement):
        if span.is_mathematics:
            mathml = "".join(ElementTree.fromstring(to_mathml(span.text)).itertext())
            assert letters_and_digits(to_text(f"${span.text}$")) == letters_and_digits(mathml)
    assert not set("$\\") & set(to_text(claim.statement))
