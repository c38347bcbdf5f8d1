import pytest

from verify.check import Skip
from verify.wheels import Wheel

WHEEL = Wheel("demo", "1.0", "0" * 64)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PAPERCHECKS_DATA", str(tmp_path))
    return tmp_path


def test_an_unpacked_wheel_is_read_without_a_network(cache):
    (cache / "demo-1.0").mkdir()
    (cache / "demo-1.0" / "table.csv").write_text("1,2")
    assert WHEEL.file("table.csv").read_text() == "1,2"
    with pytest.raises(FileNotFoundError, match=r"demo 1\.0 has no file 'other'"):
        WHEEL.file("other")


def test_a_wheel_that_cannot_be_had_is_a_reason_to_skip(cache, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(Skip, match=r"demo 1\.0 could not be fetched"):
        WHEEL.file("table.csv")
    assert not list(cache.iterdir())
