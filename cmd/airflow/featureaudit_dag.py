"""Audit the offline feature store every night, gate on it for each team, and guard each consumer's training.

Copy this file into the DAGs folder. Airflow 2.10+ and 3.x; the only thing that it runs is the featureaudit binary.

    audit ──┬── gate (one for each team)                  findings fail it, once
            ├── require_<consumer> ── train_<consumer>    a broken contract stops that model only
            └── audited                                   a failed audit fails the run, whatever came of the rest

* audit ends 0 where everything could be looked at, whatever was found: what is retried is infrastructure trouble only.
* A wrong config (exit 2) is not retried: audit is the one red task, since without a report nothing else is judged.
* gate has no retries: a finding does not go away by asking again. Its log holds the summary.
* A view without files fails at the gate of its own team (--missing-view fail).
* as-of is an argument, and the same in every retry. It is never the wall clock of a try.

A failed task stores no XCom. So each task writes its own compact JSON line (outcome, headline, report) beside the report,
and alert() hands it to the team whose task failed.
"""

from __future__ import annotations

import logging
import os
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow.exceptions import AirflowException, AirflowFailException

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

# A program that tells people: it gets the id of the failed task as its argument, and on stdin what the task says, one
# compact line of JSON, or one line of text where it could say nothing. Without one, alerts are in the task's log only.
ALERT = os.environ.get("FEATUREAUDIT_ALERT", "")

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


def environment(task_id: str, **more: str) -> dict[str, str]:
    """The environment of a task; SAID is where it writes what it says, in one line."""
    return {**ENVIRONMENT, "SAID": f"{REPORTS}/{DAG_ID}/{RUN}.json.{task_id}", **more}


# Values reach bash through the environment only: what a user types into the trigger form is never part of the command.
# The report of an earlier try goes first, so that no gate can take it for this one's. exec, so that the one SIGTERM that
# Airflow sends reaches featureaudit.
AUDIT = """
mkdir -p "$(dirname "$REPORT")" && rm -f "$REPORT" "$REPORT".* || exit 3
exec "$FEATUREAUDIT" run --config "$CONFIG" --as-of "$AS_OF" ${RANGE:+--range "$RANGE"} --fail-on never --skip-empty \\
  --missing-view fail --out "json=$REPORT" --out "summary=$SAID" ${PUBLISHED:+--out "flagd=$PUBLISHED"} \\
  --summary json --log-format json
"""
# An audit without a report is red itself, and fails the run: who depends on it is skipped, and not red as well.
REPORTED = '[ -e "$REPORT" ] || { echo "the audit wrote no report: see its log"; exit 99; }\n'
GATE = REPORTED + 'exec "$FEATUREAUDIT" gate "$REPORT" --skip-empty --out "summary=$SAID" '
REQUIRE = REPORTED + 'exec "$FEATUREAUDIT" require --consumer "$CONSUMER" --report "$REPORT" --out "json=$SAID" --out text=-'


def quote(word: str) -> str:
    """A word for bash that is no template either."""
    if "{" in word or "'" in word:
        raise ValueError(f"{word!r}: braces and quotes are not for flags of a gate")
    return f"'{word}'"


class FeatureAudit(BashOperator):
    """featureaudit in bash. Exit 2 says that the config or the command line is wrong: trying again cannot help."""

    def execute(self, context):  # type: ignore[no-untyped-def]
        try:
            return super().execute(context)
        except AirflowException as error:
            if getattr(self.subprocess_hook.sub_process, "returncode", None) == 2:
                raise AirflowFailException("exit 2: the config or the command line is wrong; the log says where") from error
            raise


def alert(context):  # type: ignore[no-untyped-def]
    """Hand what a failed task says to ALERT: of a gate that is the worst of its own team's findings, not of the run's."""
    task = context["ti"].task_id
    run = context["dag_run"].run_id.replace(":", "").replace("+", "_").replace("/", "_").replace(" ", "_")
    said = Path(REPORTS, DAG_ID, f"{run}.json.{task}")
    line = " ".join(said.read_text().split()) if said.exists() else f"{task} of {run}: {context.get('exception')}"
    logging.getLogger("featureaudit").error("alert: %s: %s", task, line)
    if ALERT:
        subprocess.run([ALERT, task], input=line + "\n", text=True, check=False, timeout=60)


with DAG(
    dag_id=DAG_ID,
    schedule=SCHEDULE,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 0, "on_failure_callback": alert},
    params={
        "as_of": Param(None, type=["null", "string"], description="Judge from this instant (RFC 3339 or a date)."),
        "range": Param(None, type=["null", "string"], description="Audit the partitions A..B only, both included."),
    },
    tags=["featureaudit"],
    doc_md=__doc__,
) as dag:
    audit = FeatureAudit(
        task_id="audit",
        bash_command=AUDIT,
        env=environment("audit"),
        append_env=True,
        retries=RETRIES,
        retry_delay=RETRY_DELAY,
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(hours=1),
        execution_timeout=TIMEOUT,
        skip_on_exit_code=99,
        do_xcom_push=True,
    )

    # Its state is that of the audit: gates run after a failed audit too, and the state of a run is that of its last tasks.
    audit >> EmptyOperator(task_id="audited")

    for task_id, flags in GATES.items():
        gate = FeatureAudit(
            task_id=task_id,
            bash_command=GATE + " ".join(quote(word) for word in flags),
            env=environment(task_id),
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
        require = FeatureAudit(
            task_id=f"require_{consumer}",
            bash_command=REQUIRE,
            env=environment(f"require_{consumer}", CONSUMER=consumer),
            append_env=True,
            retries=0,
            trigger_rule="all_done",
            # 1: proven stale or failing; 3: nothing is proven; 99: there is no report.
            skip_on_exit_code=[1, 3, 99] if violation == "skip" else 99,
            execution_timeout=timedelta(minutes=5),
        )
        # Replace it by the training of this model.
        train = EmptyOperator(task_id=f"train_{consumer}")
        audit >> require >> train
