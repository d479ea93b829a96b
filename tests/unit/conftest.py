"""What several unit tests share: a hub on the loopback address."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback_hub import Hub, running_hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, an empty cache, and nothing else within reach."""
    with running_hub() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.address)
        fresh_cache(monkeypatch, tmp_path / "cache")
        monkeypatch.setattr("time.sleep", lambda seconds: None)  # between tries of a server that is away
        yield found


def fresh_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
