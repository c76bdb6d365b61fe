"""Audit the offline feature store every night, gate on it for each team, and guard each consumer's training.

Copy this file into the DAGs folder. Airflow 2.10+ and 3.x; the only thing that it runs is the featureaudit binary.

    audit ──┬── gate (one for each team)                  findings fail it, once
            ├── digest (one for each team)                what is new, as a message for Slack, Teams or PagerDuty
            ├── require_<consumer> ── train_<consumer>    a broken contract stops that model only
            ├── tidy                                      removes old reports
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

import json
import logging
import os
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

try:
    from airflow.sdk import DAG, Asset, Param
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.exceptions import AirflowException, AirflowFailException
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
# How many days reports are kept; 0 keeps them for ever.
KEEP_DAYS = int(os.environ.get("FEATUREAUDIT_KEEP_DAYS", "90"))
# Where REPORTS can be opened in a browser. Alerts, digests and the logs of gates then link to the page of the run.
REPORT_URL = os.environ.get("FEATUREAUDIT_REPORT_URL", "").rstrip("/")
# What consumers assert by; only nightly runs and runs by hand as of now replace it.
FLAGS = os.environ.get("FEATUREAUDIT_FLAGS", "/var/lib/featureaudit/flags.json")
# The folder in which each run is remembered: findings are then new, worse, continuing, better or resolved. With none,
# history: of the config holds.
HISTORY = os.environ.get("FEATUREAUDIT_HISTORY", "")
# The folder in which the facts of files are kept, on a disk that lasts or in a bucket: a night then reads only what changed. With none,
# facts: of the config holds.
FACTS = os.environ.get("FEATUREAUDIT_FACTS", "")
# A folder, mostly of a bucket (s3://reports/nights), that gets the report and the page of each run as well.
PUBLISH = os.environ.get("FEATUREAUDIT_PUBLISH", "").rstrip("/")
# The file of known findings: gates then fail on others only. With none, gates fail on all findings.
BASELINE = os.environ.get("FEATUREAUDIT_BASELINE", "")

# One gate for each team, by task id: the flags of `featureaudit gate`. --owner, --view, --check and --fail-on select.
GATES = {"gate": []}
# for example {"gate_fraud": ["--owner", "fraud"], "gate_clicks": ["--view", "clicks", "--fail-on", "warn"]}
for team in filter(None, os.environ.get("FEATUREAUDIT_GATE_OWNERS", "").split(",")):
    GATES.pop("gate", None)
    GATES[f"gate_{team}"] = ["--owner", team]

# slack, teams or pagerduty: after each night a message for each gate of what is new, worse, resolved, or still open
# after REMIND. SEND is a program that gets it on stdin, and the task's id as its argument. Without one it is a file
# beside the report.
DIGEST = os.environ.get("FEATUREAUDIT_DIGEST", "")
REMIND = os.environ.get("FEATUREAUDIT_REMIND", "7d")
SEND = os.environ.get("FEATUREAUDIT_SEND", "")

# A program that tells people that a task failed: its arguments are the task's id, the run and the link to the page (or
# nothing), and its stdin is what the task says, one compact line of JSON, or one line of text where it could say nothing.
# featureaudit_alert.py is one. Without one, alerts are in the task's log only.
ALERT = os.environ.get("FEATUREAUDIT_ALERT", "")

# Consumers of the config file, each with what its broken contract does to its own branch: "fail" it or "skip" it.
CONSUMERS: dict[str, str] = {}
for entry in filter(None, os.environ.get("FEATUREAUDIT_CONSUMERS", "").split(",")):
    consumer_name, _, on_violation = entry.partition(":")
    CONSUMERS[consumer_name] = on_violation or "fail"

RETRIES = int(os.environ.get("FEATUREAUDIT_RETRIES", "2"))
RETRY_DELAY = timedelta(seconds=float(os.environ.get("FEATUREAUDIT_RETRY_SECONDS", "600")))
TIMEOUT = timedelta(seconds=float(os.environ.get("FEATUREAUDIT_TIMEOUT_SECONDS", "7200")))

# With an image, every task runs in a pod of it and not on the worker (this needs the provider cncf.kubernetes). CLAIM is
# the volume claim that holds CONFIG, REPORTS, FLAGS and the data, mounted at MOUNT.
IMAGE = os.environ.get("FEATUREAUDIT_IMAGE", "")
NAMESPACE = os.environ.get("FEATUREAUDIT_NAMESPACE", "default")
CLAIM = os.environ.get("FEATUREAUDIT_CLAIM", "featureaudit")
MOUNT = os.environ.get("FEATUREAUDIT_MOUNT", "/var/lib/featureaudit")
# featureaudit keeps to both.
LIMITS = {"memory": "4Gi", "cpu": "2"}

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
VIEWS = "{{ (params.views or []) | join('\n') }}"
# Yesterday's verdict, asked for again, must not become today's contract, and nobody is told of it.
TODAY = "{% if not (params.as_of or params.range or params.views or dag_run.run_type == 'backfill') %}today{% endif %}"
# A run id holds colons and pluses, which some file systems and all labels refuse.
RUN = "{{ dag_run.run_id | replace(':', '') | replace('+', '_') | replace('/', '_') | replace(' ', '_') }}"


def run_name(run_id: str) -> str:
    """RUN, where no template is rendered."""
    return run_id.replace(":", "").replace("+", "_").replace("/", "_").replace(" ", "_")


def link(run: str) -> str:
    """Where the page of a run can be opened, or nothing."""
    return f"{REPORT_URL}/{DAG_ID}/{run}.html" if REPORT_URL else ""


ENVIRONMENT = {
    "FEATUREAUDIT": FEATUREAUDIT,
    "CONFIG": CONFIG,
    "REPORT": f"{REPORTS}/{DAG_ID}/{RUN}.json",
    "PAGE": f"{REPORTS}/{DAG_ID}/{RUN}.html",
    "LINK": link(RUN),
    "AS_OF": AS_OF,
    "RANGE": RANGE,
    "VIEWS": VIEWS,
    "TODAY": TODAY,
    "FLAGS": FLAGS,
    "HISTORY": HISTORY,
    "FACTS": FACTS,
    "PUBLISH": f"{PUBLISH}/{DAG_ID}/{RUN}" if PUBLISH else "",
    "BASELINE": BASELINE,
}

# --- commands ---------------------------------------------------------------------------------------------------------

# They are for any POSIX shell. Values reach them through the environment only: what a user types into the trigger form
# is never part of a command. The report of an earlier try goes first, so that no gate can take it for this one's. exec, so
# that the one SIGTERM that Airflow sends reaches featureaudit.
AUDIT = """
mkdir -p "$(dirname "$REPORT")" && rm -f "$REPORT" "$REPORT".* "$PAGE" || exit 3
set -f; set --; IFS='
'
for view in $VIEWS; do set -- "$@" --view "$view"; done
[ -z "$RANGE" ] || set -- "$@" --range "$RANGE"
[ -z "$HISTORY" ] || set -- "$@" --history "$HISTORY"
[ -z "$FACTS" ] || set -- "$@" --facts "$FACTS"
[ -z "$BASELINE" ] || set -- "$@" --baseline "$BASELINE"
[ -z "$TODAY" ] || set -- "$@" --out "flagd=$FLAGS"
[ -z "$PUBLISH" ] || set -- "$@" --out "json=$PUBLISH.json" --out "html=$PUBLISH.html"
exec "$FEATUREAUDIT" run --config "$CONFIG" --as-of "$AS_OF" "$@" --fail-on never --skip-empty --missing-view fail \\
  --out "json=$REPORT" --out "html=$PAGE" --out "summary=$SAID" --summary json --log-format json
"""
# An audit without a report is red itself, and fails the run: who depends on it is skipped, and not red as well.
REPORTED = '[ -e "$REPORT" ] || { echo "the audit wrote no report: see its log"; exit 99; }\n'
# Where only some views were asked for, a gate that selects none of them has nothing to say (exit 2).
GATE = (
    REPORTED
    + """
[ -z "$LINK" ] || echo "the page of this run: $LINK"
[ -z "$BASELINE" ] || set -- "$@" --baseline "$BASELINE" --new-only
[ -n "$VIEWS" ] || exec "$FEATUREAUDIT" gate "$REPORT" --skip-empty --out "summary=$SAID" "$@"
code=0; "$FEATUREAUDIT" gate "$REPORT" --skip-empty --out "summary=$SAID" "$@" || code=$?
[ $code -ne 2 ] || code=99
exit $code
"""
)
DIGESTED = (
    REPORTED
    + """
[ -n "$TODAY" ] || { echo "a run as of another day or of some views is not told"; exit 99; }
[ -z "$LINK" ] || set -- "$@" --report-url "$LINK"
"$FEATUREAUDIT" report "$REPORT" --out "$DIGEST=$SAID" --remind "$REMIND" "$@" || exit
[ -s "$SAID" ] || { echo "nothing to tell"; exit 0; }
[ -n "$SEND" ] || { echo "the message: $SAID"; exit 0; }
exec "$SEND" "$TASK" < "$SAID"
"""
)
REQUIRE = (
    REPORTED
    + """
[ -z "$VIEWS" ] || { echo "only some views were asked for"; exit 99; }
exec "$FEATUREAUDIT" require --consumer "$CONSUMER" --report "$REPORT" --out "json=$SAID" --out text=-
"""
)
# Only what this DAG wrote, in its own folder; never the flag file, wherever it lies.
TIDY = """
find "$(dirname "$REPORT")" -maxdepth 1 -type f -mtime "+$KEEP_DAYS" \\( -name '*.json' -o -name '*.json.*' -o -name '*.html' \\) \\
  ! -path "$FLAGS" -print -exec rm -f {} +
"""


def quote(word: str) -> str:
    """A word for a shell that is no template either."""
    if "{" in word or "'" in word:
        raise ValueError(f"{word!r}: braces and quotes are not for flags of a gate")
    return f"'{word}'"


def arguments(flags: list[str]) -> str:
    """The flags of a gate as the arguments of its command."""
    return "set -- " + " ".join(quote(word) for word in flags) + "\n"


def selecting(flags: list[str]) -> list[str]:
    """Those flags of a gate that select results, with their values."""
    pairs = zip(flags[::2], flags[1::2])
    return [word for flag, value in pairs if flag in ("--owner", "--view", "--check") for word in (flag, value)]


# --- operators --------------------------------------------------------------------------------------------------------

# Exit 2 says that the config or the command line is wrong: trying again cannot help.
WRONG = "exit 2: the config or the command line is wrong; the log says where"


class FeatureAudit(BashOperator):
    """featureaudit on the worker. A wrong config is not retried."""

    # Else a value that ends like a file name (a program called send.sh) would be read as a template of that name.
    template_ext = ()

    def execute(self, context):  # type: ignore[no-untyped-def]
        try:
            return super().execute(context)
        except AirflowException as error:
            if getattr(self.subprocess_hook.sub_process, "returncode", None) == 2:
                raise AirflowFailException(WRONG) from error
            raise


if IMAGE:
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
    from kubernetes.client import models as k8s

    # What a task says becomes its XCom, which a pod hands over in a file that must exist whatever happened. The shell waits
    # for featureaudit, and passes the SIGTERM of a deleted pod on to it.
    IN_POD = """
    mkdir -p /airflow/xcom && echo '{}' > /airflow/xcom/return.json || exit 3
    sh -c "$1" & child=$!
    trap 'kill -TERM $child' TERM
    while wait $child; code=$?; [ $code -gt 128 ] && kill -0 $child 2>/dev/null; do :; done
    [ ! -s "$SAID" ] || cp "$SAID" /airflow/xcom/return.json
    exit $code
    """
    # Airflow sets these on a worker; the report's execution.scheduler holds them.
    CONTEXT = {
        "AIRFLOW_CTX_DAG_ID": "{{ dag.dag_id }}",
        "AIRFLOW_CTX_TASK_ID": "{{ task.task_id }}",
        "AIRFLOW_CTX_DAG_RUN_ID": "{{ dag_run.run_id }}",
        "AIRFLOW_CTX_TRY_NUMBER": "{{ ti.try_number }}",
    }

    class FeatureAuditPod(KubernetesPodOperator):
        """featureaudit in a pod. A wrong config is not retried."""

        def cleanup(self, pod, remote_pod, *args, **kwargs):  # type: ignore[no-untyped-def]
            try:
                super().cleanup(pod, remote_pod, *args, **kwargs)
            except AirflowException as error:
                statuses = (remote_pod.status.container_statuses if remote_pod and remote_pod.status else None) or []
                ended = [s.state.terminated for s in statuses if s.name == self.base_container_name and s.state]
                if any(state and state.exit_code == 2 for state in ended):
                    raise AirflowFailException(WRONG) from error
                raise


def featureaudit(task_id, command, skip=99, timeout=timedelta(minutes=5), retries=0, env=None, **settings):  # type: ignore[no-untyped-def]
    """A task that runs a command. SAID is the file where it writes what it says, in one line."""
    said = f"{REPORTS}/{DAG_ID}/{RUN}.json.{task_id}"
    env = {**ENVIRONMENT, "TASK": task_id, "SAID": said, **(env or {})}
    settings = {
        "task_id": task_id,
        "retries": retries,
        "skip_on_exit_code": skip,
        "execution_timeout": timeout,
        "trigger_rule": "all_done",
        **settings,
    }
    if not IMAGE:
        return FeatureAudit(bash_command=command, env=env, append_env=True, do_xcom_push=task_id == "audit", **settings)
    return FeatureAuditPod(
        image=IMAGE,
        namespace=NAMESPACE,
        cmds=["/bin/sh", "-c", IN_POD, "featureaudit"],
        arguments=[command],
        env_vars={**env, **CONTEXT},
        volumes=[
            k8s.V1Volume(
                name="store", persistent_volume_claim=k8s.V1PersistentVolumeClaimVolumeSource(claim_name=CLAIM)
            )
        ],
        volume_mounts=[k8s.V1VolumeMount(name="store", mount_path=MOUNT)],
        container_resources=k8s.V1ResourceRequirements(limits=LIMITS),
        termination_grace_period=30,
        do_xcom_push=True,
        **settings,
    )


def alert(context):  # type: ignore[no-untyped-def]
    """Hand what a failed task says to ALERT: of a gate that is the worst of its own team's findings, not of the run's."""
    task = context["ti"].task_id
    run = run_name(context["dag_run"].run_id)
    said = Path(REPORTS, DAG_ID, f"{run}.json.{task}")
    line = said.read_text() if said.exists() else ""
    if (
        IMAGE and not line and (stored := context["ti"].xcom_pull(task_ids=task))
    ):  # a worker may not see the pods' volume
        line = json.dumps(stored)
    line = " ".join(line.split()) or f"{task} of {run}: {context.get('exception')}"
    logging.getLogger("featureaudit").error("alert: %s: %s %s", task, line, link(run))
    if ALERT:
        subprocess.run([ALERT, task, run, link(run)], input=line + "\n", text=True, check=False, timeout=60)


# --- the DAG ----------------------------------------------------------------------------------------------------------

with DAG(
    dag_id=DAG_ID,
    schedule=SCHEDULE,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"on_failure_callback": alert},
    params={
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date-time",
            pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$",
            title="As of",
            description="Judge from this instant, with its UTC offset. Empty: now.",
        ),
        "range": Param(
            None,
            type=["null", "string"],
            pattern=r"^[^\s.]+\.\.[^\s.]+$",
            title="Partitions",
            description="Audit the partitions A..B only, both included: 2026-11-01..2026-11-03. Empty: all.",
        ),
        "views": Param(
            [],
            type=["null", "array"],
            items={"type": "string", "pattern": r"^[^\n]+$"},
            title="Views",
            description="Audit these views only, one a line. Empty: all.",
        ),
    },
    tags=["featureaudit"],
    doc_md=__doc__,
) as dag:
    audit = featureaudit(
        "audit",
        AUDIT,
        timeout=TIMEOUT,
        retries=RETRIES,
        retry_delay=RETRY_DELAY,
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(hours=1),
        trigger_rule="all_success",
    )

    # Its state is that of the audit: gates run after a failed audit too, and the state of a run is that of its last tasks.
    audit >> EmptyOperator(task_id="audited")

    for task_id, flags in GATES.items():
        # Also after a failed audit: its report says what could not be looked at, and to whom it belongs. The asset event is
        # sent only if the gate passed: DAGs that are scheduled on it are gated for free.
        outlet = Asset(f"x-featureaudit://{DAG_ID}/{task_id}")
        audit >> featureaudit(task_id, arguments(flags) + GATE, outlets=[outlet])
        if DIGEST:
            audit >> featureaudit(
                task_id.replace("gate", "digest", 1),
                arguments(selecting(flags)) + DIGESTED,
                retries=RETRIES,
                retry_delay=RETRY_DELAY,
                env={"DIGEST": DIGEST, "REMIND": REMIND, "SEND": SEND},
            )

    for consumer, violation in CONSUMERS.items():
        # 1: proven stale or failing; 3: nothing is proven; 99: there is no report.
        skip = [1, 3, 99] if violation == "skip" else 99
        require = featureaudit(f"require_{consumer}", REQUIRE, skip=skip, env={"CONSUMER": consumer})
        # Replace it by the training of this model.
        audit >> require >> EmptyOperator(task_id=f"train_{consumer}")

    if KEEP_DAYS:
        audit >> featureaudit("tidy", TIDY, env={"KEEP_DAYS": str(KEEP_DAYS)})
