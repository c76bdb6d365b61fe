"""The pair of tasks around a backfill, with a real Airflow, the real binary and real Parquet files."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import airflow
import pytest
from conftest import HOME

BINARIES = Path(os.environ["FEATUREAUDIT_TEST_BINARIES"])
AIRFLOW3 = not airflow.__version__.startswith("2.")
RANGE = "2026-10-02..2026-10-02"


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, fill: str) -> tuple[dict[str, str], Path]:
    """The states of the tasks of one run, and the folder of its reports."""
    store = folder / "store"
    subprocess.run([BINARIES / "benchstore", "-rows", "6000", "-repeat-every", "0", "-dir", store], check=True)
    settings = {"BIN": BINARIES / "featureaudit", "CONFIG": store / "featureaudit.yaml", "REPORTS": folder / "reports", "FILL": f"cd '{store}/data' && {fill}"}
    for name, value in settings.items():
        monkeypatch.setenv(f"FEATUREAUDIT_{name}", str(value))
    spec = importlib.util.spec_from_file_location("featureaudit_backfill_dag", HOME / "dags" / "featureaudit_backfill_dag.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    when = {"logical_date" if AIRFLOW3 else "execution_date": datetime.now(timezone.utc)}
    done: Any = module.dag.test(run_conf={"range": RANGE}, **when)
    return {ti.task_id: str(getattr(ti.state, "value", ti.state)) for ti in done.get_task_instances()}, folder / "reports"


def outcomes(reports: Path) -> dict[str, str]:
    (path,) = reports.rglob("*.json")
    return {result["check"]: result["outcome"] for result in json.loads(path.read_text())["results"]}


def test_the_same_rows_again_are_green(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states, reports = run(monkeypatch, tmp_path, "for f in dt=2026-10-02/*.parquet; do cp $f copy && mv copy $f; done")
    assert states == {"before": "success", "fill": "success", "verify": "success"}
    assert outcomes(reports)["backfill-isolated"] == "pass"


def test_a_neighbour_that_is_gone_is_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states, reports = run(monkeypatch, tmp_path, "rm -r dt=2026-10-07")
    assert states == {"before": "success", "fill": "success", "verify": "failed"}
    found = outcomes(reports)
    assert found["backfill-isolated"] == "fail"
    assert found["backfill-complete"] == "pass"
