"""Fill partitions again between a snapshot and a verification: the pair of tasks to put around any backfill.

Copy this file into the DAGs folder and put your own job in the place of fill. Airflow 2.10+ and 3.x.

    before ── fill ── verify

* before writes down what the views hold. It is one file for each run, and a retry writes it anew only as long as fill
  has not begun.
* verify fails where the range is not complete, not correct, or anything else was touched. It has no retries: a finding
  does not go away by asking again. Its log holds the summary, and its report lies beside the snapshot.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone

try:
    from airflow.sdk import DAG, Param
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models.param import Param

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # Airflow 2 without the standard provider
    from airflow.operators.bash import BashOperator

# --- what to change ---------------------------------------------------------------------------------------------------

FEATUREAUDIT = os.environ.get("FEATUREAUDIT_BIN", "featureaudit")
CONFIG = os.environ.get("FEATUREAUDIT_CONFIG", "/etc/featureaudit/featureaudit.yaml")
# On a volume that all workers see.
REPORTS = os.environ.get("FEATUREAUDIT_REPORTS", "/var/lib/featureaudit/reports")
# The job that fills the partitions $RANGE; any operator will do.
FILL = os.environ.get("FEATUREAUDIT_FILL", 'echo "fill $RANGE here"')

# --- the tasks --------------------------------------------------------------------------------------------------------

# A run id holds colons and pluses, which some file systems refuse.
RUN = "{{ dag_run.run_id | replace(':', '') | replace('+', '_') | replace('/', '_') | replace(' ', '_') }}"
# Values reach the commands through the environment only: what a user types is never part of a command.
ENVIRONMENT = {
    "FEATUREAUDIT": FEATUREAUDIT,
    "CONFIG": CONFIG,
    "STATE": f"{REPORTS}/featureaudit_backfill/{RUN}",
    "RANGE": "{{ params.range }}",
}
BEFORE = """
mkdir -p "$(dirname "$STATE")" || exit 3
exec "$FEATUREAUDIT" snapshot --config "$CONFIG" --with-keys --out "$STATE.snapshot"
"""
VERIFY = """
exec "$FEATUREAUDIT" verify --config "$CONFIG" --before "$STATE.snapshot" --range "$RANGE" \\
  --out "json=$STATE.json" --out "html=$STATE.html" --summary text
"""


class Shell(BashOperator):
    """A command whose values come from the environment."""

    # Else a value that ends like a file name would be read as a template of that name.
    template_ext = ()


with DAG(
    "featureaudit_backfill",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    tags=["featureaudit"],
    params={"range": Param("", type="string", pattern=r"^[0-9TW:-]+\.\.[0-9TW:-]+$", title="Partitions A..B to fill", description="2026-11-01..2026-11-03")},
) as dag:
    before = Shell(task_id="before", bash_command=BEFORE, env=ENVIRONMENT, append_env=True, retries=2)
    fill = Shell(task_id="fill", bash_command=FILL, env=ENVIRONMENT, append_env=True)
    verify = Shell(task_id="verify", bash_command=VERIFY, env=ENVIRONMENT, append_env=True, retries=0)
    before >> fill >> verify
