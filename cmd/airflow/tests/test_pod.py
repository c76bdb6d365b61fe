"""The DAG in pods: the provider's own classes render each pod and judge how it ended. There is no cluster, so the command
of each pod runs here, in a shell with the pod's environment and nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient
from kubernetes.client import models as k8s
from kubernetes_validate import validate
from test_dag import BINARIES, Scenario

KUBERNETES = "1.34"


class Cluster:
    """Runs the commands of pods, and keeps the pods that were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pods = folder, []
        # Whether the worker sees the volume of the pods.
        self.shared = True

    def command(self, pod: k8s.V1Pod) -> tuple[list[str], dict[str, str]]:
        (container,) = [c for c in pod.spec.containers if c.name == "base"]
        # The one thing that differs from a pod: the sidecar's volume is mounted at /airflow/xcom there.
        words = [
            word.replace("/airflow/xcom", str(self.folder / "xcom")) for word in container.command + container.args
        ]
        return words, {"PATH": os.environ["PATH"], **{e.name: e.value for e in container.env}}

    def run(self, operator: Any, context: Any) -> Any:
        """What KubernetesPodOperator.execute_sync does, but for the API server."""
        pod = operator.build_pod_request_obj(context, dry_run=True)
        self.pods.append(ApiClient().sanitize_for_serialization(pod))
        words, env = self.command(pod)
        ended = subprocess.run(words, env=env, check=False)
        state = k8s.V1ContainerState(terminated=k8s.V1ContainerStateTerminated(exit_code=ended.returncode))
        status = k8s.V1ContainerStatus(name="base", image="", image_id="", ready=False, restart_count=0, state=state)
        pod.status = k8s.V1PodStatus(phase="Failed" if ended.returncode else "Succeeded", container_statuses=[status])
        said = json.loads((self.folder / "xcom" / "return.json").read_text())
        if not self.shared:
            Path(env["SAID"]).unlink(missing_ok=True)
        operator.cleanup(pod, pod, said, context)
        return said


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

    cluster = Cluster(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", "kubernetes://")
    monkeypatch.setattr(KubernetesPodOperator, "execute_sync", lambda operator, context: cluster.run(operator, context))
    for call in ("is_istio_enabled", "patch_already_checked", "process_pod_deletion"):  # they ask the API server
        monkeypatch.setattr(KubernetesPodOperator, call, lambda *args, **kwargs: None)
    return cluster


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> Scenario:
    scenario = Scenario(tmp_path, monkeypatch)
    scenario.set(IMAGE="registry.example/featureaudit:0.1.0", NAMESPACE="features", CLAIM="store", MOUNT="/data")
    return scenario


def test_a_good_store_is_green_in_pods(scenario: Scenario, cluster: Cluster) -> None:
    scenario.live()
    scenario.set(CONSUMERS="churn,instant:skip", DIGEST="slack")
    run = scenario.run()
    assert run.state == "success"
    assert run.states == {
        "audit": "success",
        "audited": "success",
        "digest": "success",
        "gate": "success",
        "require_churn": "success",
        "require_instant": "skipped",
        "tidy": "success",
        "train_churn": "success",
        "train_instant": "skipped",
    }
    assert [summary["outcome"] for summary in run.xcom("audit")] == ["pass"]
    assert scenario.report()["execution"]["scheduler"] == {
        "AIRFLOW_CTX_DAG_ID": "featureaudit",
        "AIRFLOW_CTX_DAG_RUN_ID": run.run.run_id,
        "AIRFLOW_CTX_TASK_ID": "audit",
        "AIRFLOW_CTX_TRY_NUMBER": "1",
    }
    assert len(cluster.pods) == 6  # audit, gate, digest, two of require, tidy
    for pod in cluster.pods:
        validate(pod, KUBERNETES, strict=True)
        assert pod["metadata"]["namespace"] == "features"
        assert pod["spec"]["terminationGracePeriodSeconds"] == 30
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        assert volumes["store"]["persistentVolumeClaim"]["claimName"] == "store"
        (base,) = [c for c in pod["spec"]["containers"] if c["name"] == "base"]
        assert base["image"] == "registry.example/featureaudit:0.1.0"
        assert {"name": "store", "mountPath": "/data"} in base["volumeMounts"]
        assert base["resources"]["limits"] == {"memory": "4Gi", "cpu": "2"}
        assert not any("{{" in e["value"] or "{%" in e["value"] for e in base["env"]), "a template was not rendered"


def test_a_wrong_config_is_not_retried_in_pods(scenario: Scenario) -> None:
    scenario.live()
    config = scenario.store / "featureaudit.yaml"
    config.write_text(config.read_text().replace("owner: web", "ownr: web"))
    run = scenario.run()
    assert run.states == {"audit": "failed", "audited": "upstream_failed", "tidy": "success", "gate": "skipped"}
    assert (scenario.called("run"), scenario.called("gate")) == (1, 0)


def test_trouble_is_retried_in_pods(scenario: Scenario) -> None:
    scenario.live()
    scenario.binary('[ "$1" != run ] || exit 3\n' + f'exec "{BINARIES}/featureaudit" "$@"')
    run = scenario.run()
    assert (run.states["audit"], run.states["gate"]) == ("failed", "skipped")
    assert scenario.called("run") == 3


@pytest.mark.parametrize("shared", [True, False])
def test_each_team_is_told_of_its_own_finding_in_pods(scenario: Scenario, cluster: Cluster, shared: bool) -> None:
    scenario.plant("incident", str(scenario.store))
    scenario.set(GATE_OWNERS="fraud,web", ALERT=scenario.recorder("told"))
    cluster.shared = shared
    run = scenario.run(as_of=(scenario.store / "as_of").read_text().strip())
    assert (run.states["gate_fraud"], run.states["gate_web"]) == ("failed", "failed")
    lines = dict(line.split(" ", 1) for line in (scenario.folder / "told").read_text().splitlines())
    for team in ("fraud", "web"):
        assert f"(owner {team})" in json.loads(lines[f"gate_{team}"])["headline"]


def test_a_deleted_pod_leaves_a_partial_report(scenario: Scenario, cluster: Cluster) -> None:
    scenario.plant("benchstore", "-dir", str(scenario.store), "-rows", "2000000", "-files", "30")
    for path in list(scenario.store.rglob("*.parquet")):
        for copy in range(60):
            os.link(path, path.with_name(f"copy-{copy}-{path.name}"))
    operator = scenario.load().get_task("audit")
    report = scenario.folder / "report.json"
    operator.env_vars = {
        "FEATUREAUDIT": str(BINARIES / "featureaudit"),
        "CONFIG": str(scenario.store / "featureaudit.yaml"),
        "AS_OF": "2026-11-20T00:00:00Z",
        "REPORT": str(report),
        "PAGE": str(report.with_suffix(".html")),
        "SAID": f"{report}.audit",
    }
    words, env = cluster.command(operator.build_pod_request_obj(dry_run=True))
    shell = subprocess.Popen(words, env=env)
    time.sleep(3)
    shell.send_signal(signal.SIGTERM)
    assert shell.wait(timeout=20) == 143
    assert json.loads(report.read_text())["status"] == "partial"
    assert json.loads((scenario.folder / "xcom" / "return.json").read_text())["report"] == str(report)
