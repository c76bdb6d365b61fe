"""The example in anger: a real Feast repo, the real binary (FEATUREAUDIT_TEST_BINARIES), and a feed that stops."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest
from feast.repo_config import load_repo_config
from feast.repo_operations import apply_total

HERE = Path(__file__).resolve().parent
BINARY = Path(os.environ["FEATUREAUDIT_TEST_BINARIES"]) / "featureaudit"


def feed(repo: Path, newest: datetime) -> None:
    """Hourly clicks of ten users, the newest at the given instant."""
    times = [newest - timedelta(hours=hour, minutes=7 * user) for hour in range(30) for user in range(10)]
    frame = pd.DataFrame({"event_time": pd.to_datetime(times, utc=True).astype("datetime64[us, UTC]")})
    frame["user_id"] = [user for _ in range(30) for user in range(10)]
    frame["clicks_7d"] = frame["user_id"] * 2
    frame["ingested_at"] = frame["event_time"] + pd.Timedelta(seconds=30)
    frame.to_parquet(repo / "data" / "clicks.parquet", index=False)


def audit(repo: Path) -> Path:
    flags = repo / "flags.json"
    done = subprocess.run(
        [BINARY, "run", repo, "--out", f"flagd={flags}", "--fail-on", "never", "--summary", "none"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return flags


def train(repo: Path, flags: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, HERE / "train.py", repo],
        env={**os.environ, "FEATUREAUDIT_FLAGS": str(flags), "PYTHONPATH": str(HERE.parents[1] / "src")},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    for name in ("feature_store.yaml", "features.py"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "data").mkdir()
    feed(tmp_path, datetime.now(timezone.utc) - timedelta(minutes=5))
    apply_total(load_repo_config(tmp_path, tmp_path / "feature_store.yaml"), tmp_path, skip_source_validation=False)
    return tmp_path


def test_training_runs_refuses_and_runs_again(repo: Path) -> None:
    unaudited = train(repo, repo / "flags.json")
    assert (unaudited.returncode, unaudited.stdout[:18]) == (1, "refused (unknown):")

    fresh = train(repo, audit(repo))
    assert (fresh.returncode, fresh.stdout) == (0, "trained: the mean of clicks_7d is 9.0\n"), (
        fresh.stdout + fresh.stderr
    )

    feed(repo, datetime.now(timezone.utc) - timedelta(hours=30))
    stale = train(repo, audit(repo))
    assert stale.returncode == 1, stale.stdout + stale.stderr
    assert stale.stdout.startswith("refused (stale): clicks: stale: its newest event is 1d6h")

    feed(repo, datetime.now(timezone.utc) - timedelta(minutes=5))
    again = train(repo, audit(repo))
    assert again.returncode == 0, again.stdout + again.stderr
