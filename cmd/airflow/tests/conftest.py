"""One Airflow home for all scenarios: one process, sqlite, no scheduler, no port, no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
DAG_FILE = HERE.parent / "featureaudit_dag.py"

# Airflow reads its settings when it is imported, so they stand before any import of it.
HOME = Path(tempfile.mkdtemp(prefix="airflow-home-"))
os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__DAGS_FOLDER=str(HOME / "dags"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
    PYTHONDONTWRITEBYTECODE="1",
)


def pytest_sessionstart(session: pytest.Session) -> None:
    (HOME / "dags").mkdir()
    shutil.copy(DAG_FILE, HOME / "dags")
    shutil.copy(HERE.parent / "featureaudit_backfill_dag.py", HOME / "dags")
    subprocess.run([str(Path(sys.executable).parent / "airflow"), "db", "migrate"], check=True, capture_output=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    shutil.rmtree(HOME, ignore_errors=True)
