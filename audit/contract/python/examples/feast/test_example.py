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


def test_a_branch_is_compared_where_the_registry_is_not_in_git(tmp_path: Path) -> None:
    """The branch drops the ttl: diff says so after both commits were applied, and says how before."""
    clone = tmp_path / "clone"
    repo = clone / "feature_repo"
    (repo / "data").mkdir(parents=True)
    for name in ("feature_store.yaml", "features.py"):
        shutil.copy(HERE / name, repo)
    (clone / ".gitignore").write_text("data/\n")
    feed(repo, datetime.now(timezone.utc))

    def git(*args: str) -> None:
        identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"]
        subprocess.run(["git", "-C", clone, *identity, *args], check=True, capture_output=True)

    git("init", "--initial-branch=main")
    git("add", ".")
    git("commit", "--message=clicks")
    git("checkout", "-b", "branch")
    features = (repo / "features.py").read_text()
    (repo / "features.py").write_text(features.replace("ttl=timedelta(days=2)", "ttl=timedelta(0)"))
    git("commit", "--all", "--message=no ttl")

    plain = subprocess.run(
        [BINARY, "diff", "--merge-base", "main:feature_repo", "feature_repo"], cwd=clone, capture_output=True, text=True
    )
    assert plain.returncode == 2
    assert "its registry feature_repo/data/registry.db is not in commit" in plain.stderr
    assert "feast apply" in plain.stderr and "git worktree add" in plain.stderr

    done = subprocess.run(
        [HERE / "diff_merge_base.sh", "main", "feature_repo", "--summary", "json"],
        cwd=clone,
        env={**os.environ, "FEAST": str(Path(sys.executable).parent / "feast"), "FEATUREAUDIT": str(BINARY)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert '"headline":"clicks: lost its ttl of 2d' in done.stdout
    left = subprocess.run(["git", "-C", clone, "worktree", "list"], check=True, capture_output=True, text=True).stdout
    assert len(left.splitlines()) == 1, "worktrees are left behind"
    assert not (repo / "data" / "registry.db").exists()
