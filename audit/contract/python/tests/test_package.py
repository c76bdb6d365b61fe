"""What the table cannot say: the environment, questions that make no sense, files that change, other providers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode

from featureaudit_contract import (
    ContractViolation,
    FeatureAuditProvider,
    FlagFileError,
    MaxAgeHook,
    duration_seconds,
    guard,
    parse,
    read,
    require,
    require_training_window,
)

NOW = "2026-11-24T08:00:00Z"
KEY = "featureview.growth.clicks"


def flags(verdict: str = "pass", **changes: Any) -> str:
    metadata: dict[str, Any] = {
        "feature_view": "clicks",
        "owner": "web",
        "contract_version": 1,
        "audited_at": "2026-11-24T02:00:00Z",
        "newest_event_time": "2026-11-24T05:00:00Z",
        "ttl_declared": True,
        "ttl_seconds": 86400,
        "clean_from": "2026-11-01T00:00:00Z",
        "clean_until": "2026-11-24T00:00:00Z",
        **changes,
    }
    flag = {
        "state": "ENABLED",
        "variants": {name: name for name in ("pass", "warn", "fail", "unknown")},
        "defaultVariant": verdict,
        "metadata": metadata,
    }
    return json.dumps({"flags": {KEY: flag}})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "flags.json"
    file.write_text(flags())
    return file


@pytest.fixture
def client() -> Iterator[OpenFeatureClient]:
    yield api.get_client("package")
    api.shutdown()
    api.clear_hooks()


def replace(path: Path, text: str) -> None:
    other = path.with_suffix(".tmp")
    other.write_text(text)
    os.replace(other, path)


def wait(seen: list[Any], count: int) -> None:
    """Events are told by a thread of the SDK."""
    for _ in range(500):
        if len(seen) >= count:
            return
        time.sleep(0.01)


def test_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEATUREAUDIT_FLAGS", str(path))
    answer = require("clicks", now=NOW)
    assert answer.message == "clicks (owner web): pass: its newest event is 3h old, promised 1d"
    assert (answer.age_seconds, answer.limit_seconds) == (10800.0, 86400.0)
    monkeypatch.delenv("FEATUREAUDIT_FLAGS")
    with pytest.raises(ContractViolation, match="FEATUREAUDIT_FLAGS") as refused:
        require("clicks", now=NOW)
    assert refused.value.reason == "unknown"


def test_the_wall_clock_is_the_default(path: Path) -> None:
    now = datetime.now(timezone.utc)
    path.write_text(flags(audited_at=now.isoformat(), newest_event_time=(now - timedelta(hours=1)).isoformat()))
    assert require("clicks", flags=path).verdict == "pass"
    with pytest.raises(ContractViolation, match="promised 30m"):
        require("clicks", flags=path, max_age="30m")


@pytest.mark.parametrize("max_age", [timedelta(hours=2), 7200, 7200.0, "2h", "1h60m", "7200s"])
def test_limits_of_every_kind(path: Path, max_age: Any) -> None:
    with pytest.raises(ContractViolation) as refused:
        require("clicks", flags=path, now=NOW, max_age=max_age)
    assert refused.value.reason == "stale"
    assert refused.value.answer.limit_seconds == 7200.0


@pytest.mark.parametrize(
    "max_age", [0, -1, True, "", "6", "6 h", "h6", "-6h", "1mo", float("nan"), float("inf"), timedelta(0), [], "٦h"]
)
def test_limits_that_make_no_sense(path: Path, max_age: Any) -> None:
    with pytest.raises(ValueError, match="max_age"):
        require("clicks", flags=path, now=NOW, max_age=max_age)


def test_questions_that_make_no_sense(path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        require("clicks", flags=path, now=datetime(2026, 11, 24, 8))
    with pytest.raises(ValueError, match="no view"):
        require("", flags=path, now=NOW)
    with pytest.raises(ValueError, match="pass or warn"):
        require("clicks", flags=path, now=NOW, accept=("pass", "fail"))
    with pytest.raises(ValueError, match="sequence"):
        require("clicks", flags=path, now=NOW, accept="pass")
    with pytest.raises(ValueError, match="not after its start"):
        require_training_window("clicks", NOW, NOW, flags=path, now=NOW)
    with pytest.raises(ValueError, match="guard"):
        guard()
    with pytest.raises(ValueError, match="guard"):
        guard(test_environment)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_age"):
        MaxAgeHook(max_age=0)


def test_lookback(path: Path) -> None:
    assert require("clicks", flags=path, now=NOW, lookback="23d").verdict == "pass"
    with pytest.raises(ContractViolation, match="reads back 24d") as refused:
        require("clicks", flags=path, now=NOW, lookback="24d")
    assert refused.value.reason == "failed"


def test_guard_runs_only_what_is_proven(path: Path) -> None:
    calls: list[int] = []

    @guard("clicks", flags=path, max_report_age=1e9, max_age=1e9)
    def train(rounds: int) -> int:
        """Fit a model."""
        calls.append(rounds)
        return rounds

    now = datetime.now(timezone.utc)
    path.write_text(flags(audited_at=now.isoformat(), newest_event_time=now.isoformat()))
    assert train(3) == 3
    assert train.__name__ == "train"
    path.write_text(flags("fail", audited_at=now.isoformat()))
    with pytest.raises(ContractViolation):
        train(4)
    assert calls == [3]


def test_a_hook_stops_nobody_but_require_does(path: Path, client: OpenFeatureClient) -> None:
    path.write_text(flags("fail", reasons="stale-rows"))
    api.set_provider_and_wait(FeatureAuditProvider(path), "package")
    now = datetime(2026, 11, 24, 8, tzinfo=timezone.utc)
    client.add_hooks([MaxAgeHook(now=lambda: now)])
    assert client.get_string_value(KEY, "pass") == "pass", "the SDK swallows the hook's refusal"
    details = client.get_string_details(KEY, "unknown")
    assert details.error_code == ErrorCode.GENERAL
    assert "stale-rows" in (details.error_message or "")
    with pytest.raises(ContractViolation):
        require("clicks", project="growth", client=client, now=NOW)


def test_no_provider_is_no_pass(client: OpenFeatureClient) -> None:
    with pytest.raises(ContractViolation) as refused:
        require("clicks", project="growth", client=api.get_client("nobody"), now=NOW)
    assert refused.value.reason == "unknown"


def test_a_hook_leaves_other_flags_alone(path: Path, client: OpenFeatureClient) -> None:
    text = path.read_text().replace(KEY, "checkout")
    path.write_text(text)
    api.set_provider_and_wait(FeatureAuditProvider(path), "package")
    client.add_hooks([MaxAgeHook()])
    assert client.get_string_details("checkout", "unknown").value == "pass"


def test_provider_follows_the_file(path: Path, client: OpenFeatureClient) -> None:
    seen: list[str] = []

    def note(name: str) -> Any:
        def handler(details: EventDetails) -> None:
            seen.append(name)

        return handler

    api.set_provider_and_wait(FeatureAuditProvider(path, max_report_age=1e12), "package")
    for event in (
        ProviderEvent.PROVIDER_ERROR,
        ProviderEvent.PROVIDER_STALE,
        ProviderEvent.PROVIDER_CONFIGURATION_CHANGED,
    ):
        client.add_handler(event, note(event.value))
    assert client.get_string_value(KEY, "unknown") == "pass"
    replace(path, flags("warn"))
    os.utime(path, (1, 1))  # an older time is a change, too
    assert client.get_string_value(KEY, "unknown") == "warn"
    path.unlink()
    details = client.get_string_details(KEY, "unknown")
    assert (details.value, details.error_code) == ("unknown", ErrorCode.PARSE_ERROR)
    assert str(path) in (details.error_message or "")
    replace(path, "{")
    assert client.get_string_value(KEY, "unknown") == "unknown"
    replace(path, flags("fail"))
    assert client.get_string_value(KEY, "unknown") == "fail"
    wait(seen, 4)
    assert sorted(seen) == ["PROVIDER_CONFIGURATION_CHANGED"] * 2 + ["PROVIDER_ERROR"] * 2


def test_provider_tells_of_an_old_audit(path: Path, client: OpenFeatureClient) -> None:
    seen: list[EventDetails] = []
    path.write_text(flags(audited_at="2020-01-01T00:00:00Z"))
    api.set_provider_and_wait(FeatureAuditProvider(path), "package")
    client.add_handler(ProviderEvent.PROVIDER_STALE, seen.append)
    for _ in range(3):
        assert client.get_string_value(KEY, "unknown") == "pass"
    wait(seen, 1)
    assert len(seen) == 1


def test_provider_refuses_other_types(path: Path, client: OpenFeatureClient) -> None:
    api.set_provider_and_wait(FeatureAuditProvider(path), "package")
    for details in (
        client.get_boolean_details(KEY, True),
        client.get_integer_details(KEY, 1),
        client.get_float_details(KEY, 1.0),
        client.get_object_details(KEY, {}),
    ):
        assert details.error_code == ErrorCode.TYPE_MISMATCH


def test_provider_starts_only_with_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Exception, match=r"none\.json"):
        api.set_provider_and_wait(FeatureAuditProvider(tmp_path / "none.json"), "package")
    monkeypatch.delenv("FEATUREAUDIT_FLAGS", raising=False)
    with pytest.raises(ValueError, match="FEATUREAUDIT_FLAGS"):
        FeatureAuditProvider()


def test_errors_name_the_file_and_the_place(tmp_path: Path) -> None:
    with pytest.raises(FlagFileError, match="No such file or directory; write it with featureaudit run --out flagd"):
        read(tmp_path / "none.json")
    for raw, message in {
        b"": "it is empty",
        b'{"flags": {}': "no valid JSON: .* line 1 column 13",
        b'{"flags": {"a": 1, "a": 2}}': "the key 'a' stands twice",
        b'{"flags": {"v": {"state": "ENABLED", "variants": {"a": "a"}, "metadata": {"max_age_seconds": null}}}}': (
            r"flags\.v\.metadata\.max_age_seconds is null"
        ),
    }.items():
        with pytest.raises(FlagFileError, match=message):
            parse(raw)


def test_durations() -> None:
    assert duration_seconds("1w2d3h4m5s", "x") == 788645.0
    assert duration_seconds("1.5h", "x") == 5400.0
    assert duration_seconds("250ms", "x") == 0.25
