"""The case table that the Go package and the command line are held to, by every way to ask."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType

from featureaudit_contract import (
    Answer,
    ContractViolation,
    FeatureAuditProvider,
    MaxAgeHook,
    require,
    require_training_window,
)

TABLE = Path(__file__).resolve().parents[4] / "fixtures" / "contract"
CASES = {
    f"{path.stem}/{case['name']}": case
    for path in sorted(TABLE.glob("*.json"))
    for case in json.loads(path.read_text("utf-8"))
}
DOMAIN = "featureaudit-tests"

# flagd's watcher reports broken files from a thread of its own, long after the test.
logging.getLogger("openfeature.contrib").setLevel(logging.CRITICAL + 1)


def test_the_table_is_whole() -> None:
    assert len(CASES) >= 150


def write(case: dict[str, Any], folder: Path) -> Path:
    path = folder / "flags.json"
    if "text" in case:
        path.write_bytes(case["text"].encode("utf-8"))
    elif "base64" in case:
        path.write_bytes(base64.b64decode(case["base64"]))
    elif "file" in case:
        path.write_text(json.dumps(case["file"]), "utf-8")
    return path


def verdict(case: dict[str, Any], **how: Any) -> str:
    how |= {"now": case["now"]} | {name: case[name] for name in ("project", "max_report_age") if name in case}
    try:
        if "window" in case:
            start, end = case["window"]
            answer = require_training_window(case["view"], start, end, **how)
        else:
            answer = require(
                case["view"], **{name: case[name] for name in ("max_age", "accept") if name in case}, **how
            )
    except ContractViolation as violation:
        assert violation.reason in ("stale", "failed", "unknown")
        assert violation.view == case["view"]
        assert str(violation).startswith(case["view"])
        return violation.reason
    return answer.verdict


@pytest.mark.parametrize("name", CASES)
def test_require_by_file(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    assert verdict(case, flags=write(case, tmp_path)) == case["verdict"], case["why"]


@pytest.fixture
def client() -> Iterator[OpenFeatureClient]:
    yield api.get_client(DOMAIN)
    api.shutdown()


def connect(provider: Any) -> None:
    # A job that goes on after a failed start must be refused all the same.
    with contextlib.suppress(Exception):
        api.set_provider_and_wait(provider, DOMAIN)


@pytest.mark.parametrize("name", CASES)
def test_require_by_provider(name: str, tmp_path: Path, client: OpenFeatureClient) -> None:
    case = CASES[name]
    connect(FeatureAuditProvider(write(case, tmp_path)))
    assert verdict(case, client=client) == case["verdict"], case["why"]


@pytest.mark.parametrize("name", [name for name in CASES if "window" not in CASES[name]])
def test_hook(name: str, tmp_path: Path, client: OpenFeatureClient) -> None:
    case = CASES[name]
    connect(FeatureAuditProvider(write(case, tmp_path)))
    recorded: list[Answer] = []
    now = datetime.fromisoformat(case["now"].replace("Z", "+00:00")).astimezone(timezone.utc)
    limits = {name: case[name] for name in ("max_age", "accept", "max_report_age") if name in case}
    client.add_hooks([MaxAgeHook(**limits, now=lambda: now, record=recorded.append)])
    key = case["view"]
    if not key.startswith(("featureview.", "featureservice.")):
        key = "featureview." + (f"{case['project']}." if "project" in case else "") + key
    details = client.get_string_details(key, "unknown")
    assert [answer.verdict for answer in recorded] == [case["verdict"]], case["why"]
    if case["verdict"] == "pass":
        assert details.error_code is None
    else:
        assert details.value == "unknown"


# flagd reads some files that we refuse, and answers from them. What it serves is judged alike, but for what its reader
# decides before anybody can see it: which of two equal keys counts, and fields that it ignores.
OF_ITS_READER = {
    "hostile/the flag twice",
    "hostile/the flag twice, once escaped",
    "hostile/max_age_seconds twice",
}
BY_KEY = [
    name
    for name in CASES
    if name.split("/")[0] != "keys" and CASES[name].keys() & {"file", "text", "base64"} and name not in OF_ITS_READER
]


@pytest.mark.parametrize("name", BY_KEY)
def test_flagd_serves_the_same_verdict(name: str, tmp_path: Path, client: OpenFeatureClient) -> None:
    case = CASES[name]
    path = write(case, tmp_path)
    connect(FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=str(path), deadline_ms=500))
    assert verdict({**case, "project": "growth"}, client=client) == case["verdict"], case["why"]


@pytest.mark.parametrize("kind", ["file", "featureaudit", "flagd"])
def test_what_the_program_writes(kind: str, client: OpenFeatureClient) -> None:
    """The file that the Go tests hold to its golden: written by the program, read by every reader."""
    path = TABLE.parents[1] / "audit" / "contract" / "testdata" / "written.json"
    how: dict[str, Any] = {"flags": path} if kind == "file" else {"client": client}
    if kind == "featureaudit":
        connect(FeatureAuditProvider(path))
    elif kind == "flagd":
        connect(FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=str(path), deadline_ms=500))
    ask: dict[str, Any] = {"project": "growth", "now": "2026-11-24T02:00:00Z", **how}
    assert require("clicks", **ask).age_seconds == 10800.0
    assert require("clicks", max_age="6h", lookback="20d", **ask).verdict == "pass"
    with pytest.raises(ContractViolation, match="promised 1h") as refused:
        require("clicks", max_age="1h", **ask)
    assert refused.value.reason == "stale"
