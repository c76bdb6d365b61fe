"""Audit the offline feature store every night, gate on it for each team, and guard each consumer's training.

Copy this file into the DAGs folder. Airflow 2.10+ and 3.x; the only thing that it runs is the featureaudit binary.

    audit ──┬── gate (one for each team)                  findings fail it, once
            └── require_<consumer> ── train_<consumer>    a broken contract stops that model only

* audit ends 0 when the audit completed, whatever it found: what is retried is infrastructure trouble only.
* gate has no retries: a finding does not go away by asking again. Its log holds the summary.
* as-of is an argument, and the same in every retry. It is never the wall clock of a try.

A failed task stores no XCom: notifiers read the audit task's, one compact JSON line (outcome, headline, report).
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

try:
    from airflow.sdk import DAG, Asset, Param
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.models.param import Param

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:  # Airflow 2 without the standard provider
    from airflow.operators.bash import BashOperator
    from airflow.operators.empty import EmptyOperator

# --- what to change ---------------------------------------------------------------------------------------------------

DAG_ID = "featureaudit"
SCHEDULE = "0 2 * * *"
# The length of one tick: a backfill run audits the partitions that ended in its own.
TICK = timedelta(days=1)

FEATUREAUDIT = os.environ.get("FEATUREAUDIT_BIN", "featureaudit")
CONFIG = os.environ.get("FEATUREAUDIT_CONFIG", "/etc/featureaudit/featureaudit.yaml")
# On a volume that all workers see: the gates read what the audit wrote.
REPORTS = os.environ.get("FEATUREAUDIT_REPORTS", "/var/lib/featureaudit/reports")
# What consumers assert by; only nightly runs and runs by hand as of now replace it.
FLAGS = os.environ.get("FEATUREAUDIT_FLAGS", "/var/lib/featureaudit/flags.json")

# One gate for each team, by task id: the flags of `featureaudit gate`. --owner, --view, --check and --fail-on select.
GATES = {"gate": []}
# for example {"gate_fraud": ["--owner", "fraud"], "gate_clicks": ["--view", "clicks", "--fail-on", "warn"]}
for team in filter(None, os.environ.get("FEATUREAUDIT_GATE_OWNERS", "").split(",")):
    GATES.pop("gate", None)
    GATES[f"gate_{team}"] = ["--owner", team]

# Consumers of the config file, each with what its broken contract does to its own branch: "fail" it or "skip" it.
CONSUMERS: dict[str, str] = {}
for entry in filter(None, os.environ.get("FEATUREAUDIT_CONSUMERS", "").split(",")):
    consumer_name, _, on_violation = entry.partition(":")
    CONSUMERS[consumer_name] = on_violation or "fail"

RETRIES = int(os.environ.get("FEATUREAUDIT_RETRIES", "2"))
RETRY_DELAY = timedelta(seconds=float(os.environ.get("FEATUREAUDIT_RETRY_SECONDS", "600")))
TIMEOUT = timedelta(seconds=float(os.environ.get("FEATUREAUDIT_TIMEOUT_SECONDS", "7200")))

# --- templates --------------------------------------------------------------------------------------------------------

# A run by hand is judged as of the moment it was asked for, a scheduled or backfill run as of its tick. The run's own
# attributes are asked: without a logical date (a manual run of Airflow 3) data_interval_end is not even defined.
AS_OF = (
    "{% if params.as_of %}{{ params.as_of }}"
    "{% elif dag_run.run_type == 'manual' %}{{ (dag_run.logical_date or dag_run.run_after) | ts }}"
    "{% else %}{{ (dag_run.data_interval_end or dag_run.run_after) | ts }}{% endif %}"
)
# Cron schedules of Airflow 3 have intervals of zero length, so the tick's own length says where it began: its partitions
# are those from (end - TICK) to the last one before the end.
GRAIN, DATE = (timedelta(days=1), "%Y-%m-%d") if TICK >= timedelta(days=1) else (timedelta(hours=1), "%Y-%m-%dT%H")


def ago(length: timedelta) -> str:
    """The partition date that long before the end of the run's tick."""
    seconds = int(length.total_seconds())
    return "{{ (dag_run.data_interval_end - macros.timedelta(seconds=%d)).strftime('%s') }}" % (seconds, DATE)


RANGE = (
    "{% if params.range %}{{ params.range }}"
    "{% elif dag_run.run_type == 'backfill' %}" + ago(TICK) + ".." + ago(GRAIN) + "{% endif %}"
)
# Yesterday's verdict, asked for again, must not become today's contract.
PUBLISHED = "{% if not (params.as_of or params.range or dag_run.run_type == 'backfill') %}" + FLAGS + "{% endif %}"
# A run id holds colons and pluses, which some file systems and all labels refuse.
RUN = "{{ dag_run.run_id | replace(':', '') | replace('+', '_') | replace('/', '_') | replace(' ', '_') }}"

ENVIRONMENT = {
    "FEATUREAUDIT": FEATUREAUDIT,
    "CONFIG": CONFIG,
    "REPORT": f"{REPORTS}/{DAG_ID}/{RUN}.json",
    "AS_OF": AS_OF,
    "RANGE": RANGE,
    "PUBLISHED": PUBLISHED,
}

# Values reach bash through the environment only: what a user types into the trigger form is never part of the command.
# The report of an earlier try goes first, so that no gate can take it for this one's. exec, so that the one SIGTERM that
# Airflow sends reaches featureaudit.
AUDIT = """
mkdir -p "$(dirname "$REPORT")" && rm -f "$REPORT" || exit 3
exec "$FEATUREAUDIT" run --config "$CONFIG" --as-of "$AS_OF" ${RANGE:+--range "$RANGE"} --fail-on never --skip-empty \\
  --out "json=$REPORT" ${PUBLISHED:+--out "flagd=$PUBLISHED"} --summary json --log-format json
"""
GATE = 'exec "$FEATUREAUDIT" gate "$REPORT" --skip-empty '
REQUIRE = 'exec "$FEATUREAUDIT" require --consumer "$CONSUMER" --report "$REPORT"'


def quote(word: str) -> str:
    """A word for bash that is no template either."""
    if "{" in word or "'" in word:
        raise ValueError(f"{word!r}: braces and quotes are not for flags of a gate")
    return f"'{word}'"


with DAG(
    dag_id=DAG_ID,
    schedule=SCHEDULE,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 0},
    params={
        "as_of": Param(None, type=["null", "string"], description="Judge from this instant (RFC 3339 or a date)."),
        "range": Param(None, type=["null", "string"], description="Audit the partitions A..B only, both included."),
    },
    tags=["featureaudit"],
    doc_md=__doc__,
) as dag:
    audit = BashOperator(
        task_id="audit",
        bash_command=AUDIT,
        env=ENVIRONMENT,
        append_env=True,
        retries=RETRIES,
        retry_delay=RETRY_DELAY,
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(hours=1),
        execution_timeout=TIMEOUT,
        skip_on_exit_code=99,
        do_xcom_push=True,
    )

    for task_id, flags in GATES.items():
        gate = BashOperator(
            task_id=task_id,
            bash_command=GATE + " ".join(quote(word) for word in flags),
            env=ENVIRONMENT,
            append_env=True,
            retries=0,
            # Also after a failed audit: its report says what could not be looked at, and to whom it belongs.
            trigger_rule="all_done",
            skip_on_exit_code=99,
            execution_timeout=timedelta(minutes=5),
            # Sent only if the gate passed: DAGs that are scheduled on it are gated for free.
            outlets=[Asset(f"x-featureaudit://{DAG_ID}/{task_id}")],
        )
        audit >> gate

    for consumer, violation in CONSUMERS.items():
        require = BashOperator(
            task_id=f"require_{consumer}",
            bash_command=REQUIRE,
            env={**ENVIRONMENT, "CONSUMER": consumer},
            append_env=True,
            retries=0,
            trigger_rule="all_done",
            # 1: proven stale or failing; 3: nothing is proven.
            skip_on_exit_code=[1, 3] if violation == "skip" else None,
            execution_timeout=timedelta(minutes=5),
        )
        # Replace it by the training of this model.
        train = EmptyOperator(task_id=f"train_{consumer}")
        audit >> require >> train
