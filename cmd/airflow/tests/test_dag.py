"""Whole runs of the DAG with a real Airflow, the real binary and real Parquet files.

FEATUREAUDIT_TEST_BINARIES is a folder with the binaries featureaudit, incident, livestore and benchstore.
"""

from __future__ import annotations

import email
import email.policy
import importlib.util
import json
import os
import shutil
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import airflow
import pytest
from conftest import HERE, HOME

try:
    from airflow.sdk.exceptions import ParamValidationError
except ImportError:  # Airflow 2
    from airflow.exceptions import ParamValidationError

BINARIES = Path(os.environ["FEATUREAUDIT_TEST_BINARIES"])
AIRFLOW3 = not airflow.__version__.startswith("2.")
only3 = pytest.mark.skipif(
    not AIRFLOW3, reason="an execution_timeout in dag.test() ends the whole process on Airflow 2"
)


class Scenario:
    """One store, one DAG file, one run."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.store, self.reports, self.temp = folder / "store", folder / "reports", folder / "tmp"
        self.flags, self.calls = folder / "flags.json", folder / "calls"
        self.temp.mkdir()
        folder.chmod(0o777)
        self.temp.chmod(0o777)
        self.binary(f'exec "{BINARIES}/featureaudit" "$@"')
        self.set(
            CONFIG=self.store / "featureaudit.yaml",
            REPORTS=self.reports,
            FLAGS=self.flags,
            RETRY_SECONDS="0.2",
            GATE_OWNERS="",
            CONSUMERS="",
            TIMEOUT_SECONDS="600",
            RETRIES="2",
        )
        monkeypatch.setenv("TMPDIR", str(self.temp))

    def set(self, **settings: Any) -> None:
        for name, value in settings.items():
            self.monkeypatch.setenv(f"FEATUREAUDIT_{name}", str(value))

    def binary(self, command: str) -> None:
        """A wrapper that writes down each call: how often a command ran is counted outside of Airflow."""
        wrapper = self.folder / "featureaudit"
        wrapper.write_text(f'#!/bin/bash\necho "$@" >> "{self.calls}"\n{command}\n')
        wrapper.chmod(0o755)
        self.set(BIN=wrapper)

    def plant(self, name: str, *args: str) -> None:
        subprocess.run([str(BINARIES / name), *args], check=True)

    def live(self) -> None:
        self.plant("livestore", str(self.store), datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def load(self) -> Any:
        spec = importlib.util.spec_from_file_location("featureaudit_dag", HOME / "dags" / "featureaudit_dag.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.dag

    def recorder(self, name: str) -> Path:
        """A program that writes its first argument and its stdin to a file of that name."""
        program = self.folder / f"{name}.sh"
        program.write_text(f'#!/bin/bash\necho "$1 $(tr -d "\\n")" >> "{self.folder / name}"\n')
        program.chmod(0o755)
        return program

    def run(self, **conf: Any) -> Run:
        """A run by hand, as of now."""
        now = datetime.now(timezone.utc)
        when = {"logical_date": now} if AIRFLOW3 else {"execution_date": now}
        return Run(self.load().test(run_conf=conf, **when), now, self)

    def called(self, command: str) -> int:
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return sum(line.split()[0] == command for line in lines)

    def report(self) -> dict[str, Any]:
        (path,) = self.reports.rglob("*.json")
        return json.loads(path.read_text())


class Run:
    def __init__(self, run: Any, asked: datetime, scenario: Scenario) -> None:
        self.run, self.asked, self.scenario = run, asked, scenario
        self.state = str(run.state.value)
        self.states = {ti.task_id: str(getattr(ti.state, "value", ti.state)) for ti in run.get_task_instances()}

    def name(self) -> str:
        """The run's id as it stands in the names of its files."""
        return self.run.run_id.replace(":", "").replace("+", "_")

    def report(self) -> dict[str, Any]:
        return json.loads((self.scenario.reports / "featureaudit" / f"{self.name()}.json").read_text())

    def xcom(self, task: str) -> Any:
        from airflow.utils.session import create_session

        if AIRFLOW3:
            from airflow.models.xcom import XComModel as XCom
        else:
            from airflow.models.xcom import XCom
        with create_session() as session:
            rows = session.query(XCom).filter_by(run_id=self.run.run_id, task_id=task, key="return_value").all()
            return [row.value for row in rows]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    return Scenario(tmp_path, monkeypatch)


def test_a_good_store_is_green(scenario: Scenario) -> None:
    scenario.live()
    scenario.set(CONSUMERS="churn,instant:skip")
    run = scenario.run()
    assert run.state == "success"
    assert run.states == {
        "audit": "success",
        "audited": "success",
        "tidy": "success",
        "gate": "success",
        "require_churn": "success",
        "train_churn": "success",
        "require_instant": "skipped",
        "train_instant": "skipped",
    }
    (line,) = run.xcom("audit")
    summary = json.loads(line)
    assert {name: summary[name] for name in ("outcome", "fail", "error", "views")} == {
        "outcome": "pass",
        "fail": 0,
        "error": 0,
        "views": 1,
    }
    report = scenario.report()
    assert summary["report"] == str(next(scenario.reports.rglob("*.json")))
    assert datetime.fromisoformat(report["as_of"].replace("Z", "+00:00")) == run.asked
    assert report["execution"]["scheduler"]["AIRFLOW_CTX_DAG_ID"] == "featureaudit"
    assert report["execution"]["scheduler"]["AIRFLOW_CTX_DAG_RUN_ID"] == run.run.run_id
    assert json.loads(scenario.flags.read_text())["flags"]["featureview.growth.clicks"]["defaultVariant"] == "pass"
    assert [c["name"] + ":" + c["outcome"] for c in report["consumers"]] == ["churn:pass", "instant:fail"]


def test_a_broken_contract_fails_its_own_model_only(scenario: Scenario) -> None:
    scenario.live()
    scenario.set(CONSUMERS="churn,instant")
    run = scenario.run()
    assert run.state == "failed"
    assert run.states["gate"] == run.states["train_churn"] == "success"
    assert run.states["require_instant"] == "failed"
    assert run.states["train_instant"] == "upstream_failed"
    assert scenario.called("require") == 2


def test_the_incident_fails_at_the_gate_once(scenario: Scenario) -> None:
    scenario.plant("incident", str(scenario.store))
    scenario.set(GATE_OWNERS="fraud,web")
    run = scenario.run(as_of=(scenario.store / "as_of").read_text().strip())
    assert run.state == "failed"
    assert run.states == {
        "audit": "success",
        "audited": "success",
        "tidy": "success",
        "gate_fraud": "failed",
        "gate_web": "failed",
    }
    assert (scenario.called("run"), scenario.called("gate")) == (1, 2)
    (line,) = run.xcom("audit")
    assert json.loads(line)["outcome"] == "fail"
    assert run.xcom("gate_fraud") == []
    assert not scenario.flags.exists(), "a run as of another day must not become today's contract"
    assert scenario.report()["as_of"] == "2026-11-20T00:00:00Z"


def test_a_folder_without_rights_is_retried_and_fails(scenario: Scenario) -> None:
    scenario.live()
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("root reads every folder, and setpriv is not installed")
        # Another user needs the binary and the way to the scenario, which pytest keeps to its own.
        program = scenario.folder / "program"
        shutil.copy(BINARIES / "featureaudit", program)
        scenario.binary(f'exec setpriv --reuid 65534 --regid 65534 --clear-groups "{program}" "$@"')
        for path in scenario.folder.parents:
            if path.name.startswith("pytest-"):
                path.chmod(0o755)
        (scenario.reports / "featureaudit").mkdir(parents=True)
        (scenario.reports / "featureaudit").chmod(0o777)
        scenario.folder.chmod(0o777)  # of the flag file: that outputs can be written is tried before anything is read
    locked = scenario.store / "data" / "clicks"
    locked.chmod(0o000 if os.geteuid() else 0o700)
    try:
        run = scenario.run()
    finally:
        locked.chmod(0o755)
    assert run.state == "failed"
    assert run.states == {"audit": "failed", "audited": "upstream_failed", "tidy": "success", "gate": "failed"}
    assert (scenario.called("run"), scenario.called("gate")) == (3, 1)
    assert run.xcom("audit") == []
    assert any(result.get("retryable") for result in scenario.report()["results"])


def test_a_truncated_file_fails_the_gates_of_its_view_only(scenario: Scenario) -> None:
    scenario.live()
    config = scenario.store / "featureaudit.yaml"
    text = config.read_text()
    clicks = text[text.index("  clicks:") : text.index("consumers:")]
    config.write_text(
        text.replace(
            "consumers:", clicks.replace("clicks", "visits").replace("owner: web", "owner: ads") + "consumers:"
        )
    )
    shutil.copytree(scenario.store / "data" / "clicks", scenario.store / "data" / "visits")
    file = sorted((scenario.store / "data" / "visits").rglob("*.parquet"))[1]
    # visits is a copy with columns named click_id; only its second file is cut.
    config.write_text(config.read_text().replace("key: [visit_id]", "key: [click_id]"))
    file.write_bytes(file.read_bytes()[:-200])
    scenario.set(GATE_OWNERS="web,ads")
    run = scenario.run()
    assert run.states == {
        "audit": "success",
        "audited": "success",
        "tidy": "success",
        "gate_web": "success",
        "gate_ads": "failed",
    }
    assert (scenario.called("run"), scenario.called("gate")) == (1, 2)


def test_a_wrong_config_is_one_red_task_and_is_not_retried(scenario: Scenario) -> None:
    scenario.live()
    config = scenario.store / "featureaudit.yaml"
    config.write_text(config.read_text().replace("owner: web", "ownr: web"))
    scenario.set(CONSUMERS="churn")
    run = scenario.run()
    assert run.state == "failed"
    assert run.states == {
        "audit": "failed",
        "audited": "upstream_failed",
        "tidy": "success",
        "gate": "skipped",
        "require_churn": "skipped",
        "train_churn": "skipped",
    }
    assert (scenario.called("run"), scenario.called("gate")) == (1, 0)


def test_a_view_without_files_fails_at_its_own_gate_only(scenario: Scenario) -> None:
    scenario.live()
    config = scenario.store / "featureaudit.yaml"
    config.write_text(
        config.read_text().replace(
            "consumers:", "  visits: {owner: ads, path: data/visits/**/*.parquet, ttl: 1d}\nconsumers:"
        )
    )
    scenario.set(GATE_OWNERS="web,ads")
    run = scenario.run()
    assert run.state == "failed"
    assert run.states == {
        "audit": "success",
        "audited": "success",
        "tidy": "success",
        "gate_web": "success",
        "gate_ads": "failed",
    }
    assert scenario.called("run") == 1
    (line,) = run.xcom("audit")
    assert json.loads(line)["headline"].startswith("visits unreadable-file: fail (owner ads): no Parquet file matches")
    flags = json.loads(scenario.flags.read_text())["flags"]
    assert [flags[f"featureview.growth.{name}"]["defaultVariant"] for name in ("clicks", "visits")] == [
        "pass",
        "unknown",
    ]


def test_each_team_is_told_of_its_own_finding(scenario: Scenario) -> None:
    scenario.plant("incident", str(scenario.store))
    outbox = scenario.folder / "outbox"
    scenario.monkeypatch.setenv("FEATUREAUDIT_OUTBOX", str(outbox))
    scenario.set(
        GATE_OWNERS="fraud,web", ALERT=HERE.parent / "featureaudit_alert.py", REPORT_URL="https://reports.example.com/"
    )
    run = scenario.run(as_of=(scenario.store / "as_of").read_text().strip())
    name = run.name()
    assert sorted(path.name for path in outbox.iterdir()) == sorted(
        f"{name}.gate_{team}.{ending}" for team in ("fraud", "web") for ending in ("eml", "slack.json")
    )
    page = f"https://reports.example.com/featureaudit/{name}.html"
    assert (scenario.reports / "featureaudit" / f"{name}.html").read_text().startswith("<!DOCTYPE html>")
    views = {view["name"]: view["owner"] for view in scenario.report()["views"]}
    for team in ("fraud", "web"):
        mail = email.message_from_bytes((outbox / f"{name}.gate_{team}.eml").read_bytes(), policy=email.policy.default)
        assert mail["To"] == f"{team}@example.com"
        assert mail["Subject"].startswith(f"gate_{team} failed: ")
        said, line, link = mail.get_content().strip().split("\n\n")
        line = " ".join(line.split())
        assert (said, link) == (f"gate_{team} failed.", page)
        assert views[line.split()[0]] == team and f"(owner {team})" in line
        message = json.loads((outbox / f"{name}.gate_{team}.slack.json").read_text())
        assert message["blocks"][0]["text"]["text"] == f"*gate_{team} failed*\n{line}"
        assert message["blocks"][1]["elements"][0]["text"] == f"<{page}|the page of this run>"


def test_a_night_with_history_baseline_and_digests(scenario: Scenario) -> None:
    scenario.live()
    days = sorted((scenario.store / "data" / "clicks").iterdir())
    shutil.rmtree(days[2])
    scenario.set(
        HISTORY=scenario.folder / "history",
        DIGEST="slack",
        SEND=scenario.recorder("sent"),
        REPORT_URL="https://reports.example.com",
    )
    (scenario.folder / "history").mkdir()

    first = scenario.run()
    assert first.states == {
        "audit": "success",
        "audited": "success",
        "tidy": "success",
        "gate": "failed",
        "digest": "success",
    }
    (result,) = [r for r in scenario.report()["results"] if r["outcome"] == "fail"]
    assert (result["check"], [f["state"] for f in result["findings"]]) == ("missing-partitions", ["new"])
    task, message = scenario.folder.joinpath("sent").read_text().split(" ", 1)
    assert task == "digest"
    blocks = json.loads(message)["blocks"]
    assert any("*NEW* clicks missing-partitions" in block.get("text", {}).get("text", "") for block in blocks)
    assert f"https://reports.example.com/featureaudit/{first.name()}.html" in message

    # The same on the next night is no news, so nothing is sent. Without a baseline the gate fails again.
    scenario.folder.joinpath("sent").unlink()
    second = scenario.run()
    assert (second.states["gate"], second.states["digest"]) == ("failed", "success")
    assert not scenario.folder.joinpath("sent").exists()
    (result,) = [r for r in second.report()["results"] if r["outcome"] == "fail"]
    assert [f["state"] for f in result["findings"]] == ["continuing"]

    # Known for a while: the gate passes, and a new fault still fails it.
    baseline = scenario.folder / "baseline.yaml"
    report = scenario.reports / "featureaudit" / f"{second.name()}.json"
    subprocess.run([str(BINARIES / "featureaudit"), "baseline", str(report), "--out", str(baseline)], check=True)
    baseline.write_text(baseline.read_text().replace("until: SET-A-DATE", 'until: "2999-01-01"'))
    scenario.set(BASELINE=baseline)
    third = scenario.run()
    assert (third.state, third.states["gate"], third.states["digest"]) == ("success", "success", "success")
    assert not scenario.folder.joinpath("sent").exists()
    shutil.rmtree(days[3])
    fourth = scenario.run()
    assert (fourth.states["gate"], fourth.states["digest"]) == ("failed", "success")
    assert f"dt={days[3].name[3:]}" in scenario.folder.joinpath("sent").read_text()


def test_nobody_is_told_of_another_day(scenario: Scenario) -> None:
    scenario.plant("incident", str(scenario.store))
    scenario.set(DIGEST="slack", SEND=scenario.recorder("sent"), GATE_OWNERS="fraud")
    run = scenario.run(as_of=(scenario.store / "as_of").read_text().strip())
    assert (run.states["gate_fraud"], run.states["digest_fraud"]) == ("failed", "skipped")
    assert not scenario.folder.joinpath("sent").exists()


def test_some_views_only(scenario: Scenario) -> None:
    scenario.live()
    config = scenario.store / "featureaudit.yaml"
    config.write_text(
        config.read_text().replace(
            "consumers:",
            "  'two words': {owner: ads, path: data/clicks/**/*.parquet, event_time: event_time}\nconsumers:",
        )
    )
    scenario.set(GATE_OWNERS="web,ads", CONSUMERS="churn")
    run = scenario.run(views=["two words"])
    assert [view["name"] for view in scenario.report()["views"]] == ["two words"]
    states = {task: state for task, state in run.states.items() if task.startswith(("gate", "require"))}
    assert states == {"gate_web": "skipped", "gate_ads": "failed", "require_churn": "skipped"}
    assert not scenario.flags.exists(), "a run of some views must not become the contract of all"


def test_old_reports_are_removed(scenario: Scenario) -> None:
    scenario.live()
    folder = scenario.reports / "featureaudit"
    (folder / "history").mkdir(parents=True)
    scenario.flags = folder / "flags.json"
    scenario.set(FLAGS=scenario.flags, KEEP_DAYS="30")
    now = time.time()
    removed = ["old.json", "old.json.gate", "old.html"]
    kept = ["recent.json", "notes.md", "flags.json", "history/part.json"]
    for name in removed + kept:
        (folder / name).write_text("")
        age = 29 if name == "recent.json" else 32
        os.utime(folder / name, (now - age * 86400, now - age * 86400))
    scenario.set(RETRIES="0", CONFIG=scenario.folder / "none.yaml")  # a failed audit replaces no flag file
    run = scenario.run()
    assert (run.states["audit"], run.states["tidy"]) == ("failed", "success")
    left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert left == sorted(kept)


@pytest.mark.parametrize(
    "conf",
    [
        {"as_of": "yesterday"},
        {"as_of": 20261120},
        {"range": "2026-11-01"},
        {"range": "2026-11-01..2026-11-03; rm -r /"},
        {"views": "clicks"},
        {"views": ["clicks\nvisits"]},
    ],
)
def test_a_wrong_param_is_refused_by_its_form(scenario: Scenario, conf: dict[str, Any]) -> None:
    dag = scenario.load()
    for name, value in conf.items():
        with pytest.raises(ParamValidationError):
            dag.params.get_param(name).resolve(value)


def test_nothing_to_audit_is_skipped(scenario: Scenario) -> None:
    scenario.live()
    shutil.rmtree(scenario.store / "data")
    (scenario.store / "data").mkdir()
    run = scenario.run()
    assert run.state == "success"
    assert run.states == {"audit": "skipped", "audited": "skipped", "tidy": "success", "gate": "skipped"}
    assert scenario.called("run") == 1


@only3
def test_a_timeout_leaves_a_partial_report_and_nothing_else(scenario: Scenario) -> None:
    scenario.plant("benchstore", "-dir", str(scenario.store), "-rows", "2000000", "-files", "30")
    for path in list((scenario.store).rglob("*.parquet")):
        for copy in range(60):
            os.link(path, path.with_name(f"copy-{copy}-{path.name}"))
    scenario.set(TIMEOUT_SECONDS="3", RETRIES="0")
    run = scenario.run()
    assert run.states == {"audit": "failed", "audited": "upstream_failed", "tidy": "success", "gate": "failed"}
    ended = wait(lambda: not running(str(scenario.store)))
    assert ended, "the audit outlived its timeout"
    assert wait(lambda: any(scenario.reports.rglob("*.json")))
    assert scenario.report()["status"] == "partial"
    assert not list(scenario.temp.rglob("featureaudit-*")), "temporary files are left"
    assert not list(scenario.reports.rglob("*.tmp"))


def wait(true: Any) -> bool:
    for _ in range(100):
        if true():
            return True
        time.sleep(0.1)
    return False


def running(text: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"run" in words and any(text.encode() in word for word in words):
            return True
    return False


ASKED = "2026-11-23T09:30:00+00:00"


@pytest.mark.parametrize(
    ("run_type", "params", "as_of", "range_", "views", "today"),
    [
        ("scheduled", {}, "2026-11-10T02:00:00+00:00", "", "", True),
        ("backfill", {}, "2026-11-10T02:00:00+00:00", "2026-11-09..2026-11-09", "", False),
        ("manual", {}, ASKED, "", "", True),
        ("manual", {"as_of": "2026-11-20T00:00:00Z"}, "2026-11-20T00:00:00Z", "", "", False),
        ("manual", {"range": "2026-11-01..2026-11-03"}, ASKED, "2026-11-01..2026-11-03", "", False),
        ("manual", {"views": ["clicks", "two words"]}, ASKED, "", "clicks\ntwo words", False),
        ("manual", {"views": None}, ASKED, "", "", True),
    ],
)
def test_templates(
    scenario: Scenario, run_type: str, params: dict[str, Any], as_of: str, range_: str, views: str, today: bool
) -> None:
    dag = scenario.load()
    tick = datetime(2026, 11, 10, 2, tzinfo=timezone.utc)
    asked = datetime(2026, 11, 23, 9, 30, tzinfo=timezone.utc)
    run = SimpleNamespace(
        run_id="scheduled__2026-11-10T02:00:00+00:00",
        run_type=run_type,
        # Without a date, a manual run of Airflow 3 has no interval and no logical date; Airflow 2 has both and no run_after.
        data_interval_end=tick if run_type != "manual" or not AIRFLOW3 else None,
        logical_date=None if AIRFLOW3 and run_type == "manual" else asked,
    )
    if AIRFLOW3:
        run.run_after = asked
    context = {
        "dag_run": run,
        "params": {"as_of": None, "range": None, "views": [], **params},
        "macros": SimpleNamespace(timedelta=timedelta),
    }
    environment = {
        name: dag.get_template_env().from_string(text).render(context)
        for name, text in dag.get_task("audit").env.items()
    }
    assert environment["AS_OF"] == as_of
    assert environment["RANGE"] == range_
    assert environment["VIEWS"] == views
    assert environment["TODAY"] == ("today" if today else "")
    assert environment["REPORT"] == f"{scenario.reports}/featureaudit/scheduled__2026-11-10T020000_0000.json"


def test_gates_are_as_issued(scenario: Scenario) -> None:
    dag = scenario.load()
    audit, gate = dag.get_task("audit"), dag.get_task("gate")
    assert (audit.retries, gate.retries, str(getattr(gate.trigger_rule, "value", gate.trigger_rule))) == (
        2,
        0,
        "all_done",
    )
    assert audit.retry_exponential_backoff
    assert audit.execution_timeout == timedelta(minutes=10)
