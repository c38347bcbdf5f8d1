"""``pytest paper_checks/ [-k SLUG] [--level full]``: a paper's claims against their expected verdicts."""

import pytest

from verify import Claim, Record, Store, run
from verify.console import console, story


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--level", choices=("quick", "full"), default="quick", help="sizes and number of seeds")
    parser.addoption("--results", default="results", metavar="DIR", help="where records are kept")


@pytest.fixture
def verify_claim(request: pytest.FixtureRequest):
    """Run a claim (or take its stored record) and fail with its story unless the verdict is the expected one."""
    store, level = Store(request.config.getoption("--results")), request.config.getoption("--level")

    def verify(claim: Claim) -> Record:
        (record,) = run([claim], store, level=level)
        if record.verdict == "skipped":
            pytest.skip(record.message)
        if not record.as_expected:
            with (told := console()).capture() as capture:
                told.print(story(record), soft_wrap=True)
            pytest.fail(capture.get(), pytrace=False)
        return record

    return verify
