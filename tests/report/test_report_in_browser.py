"""The report as a reader meets it, in a real Chromium; see the fixtures for what must not happen on any page."""

import re
from urllib.parse import unquote

import pytest

pytestmark = pytest.mark.browser

PAGES = ("index.html", "claims.html", "demo.html", "evil.html")


@pytest.mark.parametrize("name", PAGES)
def test_links_resolve(open_page, site, name):
    page = open_page(name)
    links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    assert links
    for link in dict.fromkeys(links):
        if link.startswith("https://arxiv.org/"):
            continue
        address, _, fragment = link.partition("#")
        place = address.removeprefix(f"{site.as_uri()}/").partition("?")[0]
        assert (site / unquote(place)).is_file()
        if fragment:
            assert f'id="{unquote(fragment)}"' in (site / place).read_text(encoding="utf-8")


def test_reader_comes_from_the_overview_to_a_claim(open_page):
    page = open_page()
    page.get_by_role("link", name="Squares and their products").first.click()
    assert page.title() == "Squares and their products"
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("link", name="30 fails").click()
    assert visible(page) == 30
    assert "30 of 33 claims" in page.inner_text("#page-count")
    page.get_by_role("link", name="All claims").click()
    page.get_by_role("link", name="Square is a product").click()
    assert page.url.endswith("demo.html#square_is_a_product")
    assert page.locator("#square_is_a_product details").first.get_attribute("open") is not None


def test_filters_combine_and_live_in_the_address(open_page):
    page = open_page("demo.html")
    assert visible(page) == 33
    page.get_by_label("fails").check()
    assert visible(page) == 30
    page.get_by_label("holds", exact=False).first.check()
    assert visible(page) == 31
    page.get_by_label("identity").check()
    assert visible(page) == 1
    assert re.search(r"\?verdict=holds&verdict=fails&tag=identity$", page.url)
    page.reload()
    assert visible(page) == 1
    assert page.get_by_label("identity").is_checked()
    page.get_by_role("button", name="Clear the filter").click()
    page.wait_for_function("!location.search")
    assert visible(page) == 33


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=double_7", 1),
        ("q=DOUBLE", 30),
        ("q=nothing+of+the+kind", 0),
        ("strength=proved&paper=evil", 0),
        ("paper=evil", 1),
    ],
)
def test_search_from_the_address(open_page, query, expected):
    page = open_page(f"claims.html?{query}")
    assert visible(page) == expected
    assert page.inner_text("#page-count") == f"{expected} of 34 claims"
    assert page.locator("#page-count").get_attribute("aria-live") == "polite"
    assert page.locator("[data-group]:visible").count() == (expected > 0)


def test_typing_searches_and_headings_without_claims_disappear(open_page):
    page = open_page("claims.html")
    page.get_by_label("Search").fill("nobody")
    assert visible(page) == 1
    assert page.locator("[data-group]:visible").count() == 1
    assert "q=nobody" in page.url


def test_deep_link_shows_the_claim_whatever_the_filter_says(open_page):
    page = open_page("demo.html?verdict=holds#square_is_a_double_20")
    claim = page.locator("#square_is_a_double_20")
    assert claim.is_visible()
    assert claim.locator("details").first.get_attribute("open") is not None
    assert 0 <= claim.bounding_box()["y"] < 100
    assert page.locator("#square_is_a_product details").first.get_attribute("open") is None


def test_anchor_of_a_claim_can_be_copied(open_page):
    page = open_page("demo.html", permissions=["clipboard-read", "clipboard-write"])
    page.locator("#square_is_a_double_3 a.anchor").click()
    page.wait_for_function("document.querySelector('#page-status').textContent === 'Link copied'")
    assert page.url.endswith("demo.html#square_is_a_double_3")
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_command_can_be_copied(open_page):
    page = open_page("demo.html#square_is_a_product", permissions=["clipboard-read", "clipboard-write"])
    page.locator("#square_is_a_product").get_by_role("button", name="Copy the command").click()
    page.wait_for_function("document.querySelector('#page-status').textContent === 'Command copied'")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "python -m verify run --claim demo.square_is_a_product --level quick --seed 0 --fresh"


def test_mathematics_is_laid_out_in_the_bundled_font(open_page):
    page = open_page("demo.html")
    sizes = page.eval_on_selector_all(
        "math msqrt, math msup, math mi", "all => all.map(e => e.getBoundingClientRect()).map(r => r.width * r.height)"
    )
    assert len(sizes) > 60
    assert min(sizes) > 0
    root = page.locator("msqrt").first.bounding_box()
    letter = page.locator("msqrt mi").first.bounding_box()
    assert root["height"] > 1.3 * letter["height"] or root["width"] > 3 * letter["width"]
    assert page.evaluate("document.fonts.check('16px \"STIX Two Math\"')")
    loaded = page.evaluate("[...document.fonts].filter(font => font.status === 'loaded').map(font => font.family)")
    assert any("STIX Two Math" in family for family in loaded)


def test_figure_keeps_its_place_and_offers_its_data(open_page, site):
    page = open_page("demo.html")
    image = page.locator("figure img")
    image.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('figure img').complete")
    natural = image.evaluate(
        "i => [i.naturalWidth, i.naturalHeight, +i.getAttribute('width'), +i.getAttribute('height')]"
    )
    assert natural[0] / natural[1] == pytest.approx(natural[2] / natural[3], rel=0.02)
    assert image.get_attribute("alt")
    with page.expect_download() as download:
        page.get_by_role("link", name="curve").click()
    assert download.value.suggested_filename == "square.curve.csv"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_the_system_until_the_reader_chooses(open_page, scheme):
    page = open_page(color_scheme=scheme)
    button = page.get_by_role("button", name="Dark theme")
    before = brightness(page)
    assert (before < 60) == (scheme == "dark")
    assert button.get_attribute("aria-pressed") == str(scheme == "dark").lower()
    button.click()
    assert (brightness(page) < 60) != (scheme == "dark")
    page.get_by_role("link", name="All claims").click()
    assert (brightness(page) < 60) != (scheme == "dark")
    assert page.get_by_role("button", name="Dark theme").get_attribute("aria-pressed") == str(scheme == "light").lower()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 390, 768])
def test_narrow_page_does_not_scroll_sideways(open_page, name, width):
    page = open_page(name, width=width, height=844)
    page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("name", [*PAGES, "demo.html#square_is_a_double_20", "demo.html?verdict=holds"])
def test_first_paint_does_not_jump(open_page, name):
    page = open_page(name)
    page.wait_for_timeout(200)
    assert page.evaluate("window.shifted") < 0.05


@pytest.mark.parametrize("name", PAGES)
def test_hostile_strings_are_shown_and_not_run(open_page, name):
    page = open_page(name)
    assert page.title() != "run"
    assert page.locator("main script, main img:not(figure img)").count() == 0
    if name == "evil.html":
        assert "<script>document.title = 'run'</script>" in page.inner_text("h3")


@pytest.mark.parametrize("name", PAGES)
def test_keyboard_reaches_everything_that_can_be_used(open_page, name):
    page = open_page(name)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    reached = 1
    usable = page.evaluate(
        "[...document.querySelectorAll('a[href], button, input, summary, [tabindex=\"0\"]')]"
        ".filter(each => each.className === 'skip' || each.checkVisibility() && each.offsetParent !== null).length"
    )
    for _ in range(usable + 5):
        page.keyboard.press("Tab")
        where = page.evaluate(
            "document.activeElement === document.body ? null : getComputedStyle(document.activeElement).outlineStyle"
        )
        if where is None or page.evaluate("document.activeElement.className") == "skip":
            break
        assert where != "none"
        reached += 1
    assert reached >= usable


def test_keyboard_opens_evidence_and_the_skip_link_skips(open_page):
    page = open_page("demo.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "page-main"
    summary = page.locator("#square_is_a_product summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("#square_is_a_product details").first.get_attribute("open") is not None
    page.get_by_role("button", name="Open all evidence").press("Space")
    assert page.locator("details:not([open])").count() == 0


@pytest.mark.parametrize(
    ("name", "scheme"), [*((name, "light") for name in PAGES), ("index.html", "dark"), ("demo.html", "dark")]
)
def test_axe_finds_no_barriers(open_page, name, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install 'paperchecks[browser]'"
    ).Axe()
    page = open_page(name, color_scheme=scheme)
    page.eval_on_selector_all("details", "all => [...all].slice(0, 6).forEach(each => { each.open = true; })")
    found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]})
    assert found.response["passes"]
    assert [
        (each["id"], each["nodes"][0]["html"][:200], len(each["nodes"])) for each in found.response["violations"]
    ] == []


def test_print_opens_the_evidence_and_hides_what_cannot_be_used(open_page):
    page = open_page("demo.html")
    hidden = page.locator("#square_is_a_product .evidence")
    assert not hidden.is_visible()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert hidden.is_visible()
    assert not page.locator("#page-filter").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert not hidden.is_visible()
    assert page.pdf()[:4] == b"%PDF"


def test_page_can_be_read_without_scripts(chromium, site):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.as_uri()}/demo.html#square_is_a_double_20")
    assert page.locator("#square_is_a_double_20 .statement").is_visible()
    assert not page.locator("#page-filter").is_visible()
    page.locator("#square_is_a_double_20 summary").click()
    assert page.locator("#square_is_a_double_20 .evidence").is_visible()
    context.close()


def visible(page):
    return page.locator("[data-item]:visible").count()


def brightness(page):
    return page.evaluate("+getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
