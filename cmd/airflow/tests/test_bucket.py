"""A night of which nothing lies on the worker but what its tasks tell each other: config, data, kept facts, history and flags are objects of a
real server, which the program that FEATUREAUDIT_TEST_VERSITYGW names is.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

import pytest
from test_dag import Scenario

KEY, SECRET = "AKIATESTONLY", "planted-secret-of-the-tests"


class Server:
    """versitygw, which keeps objects as files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{probe.getsockname()[1]}"
        self.url = f"http://{self.host}"
        env = {**os.environ, "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
        command = [os.environ["FEATUREAUDIT_TEST_VERSITYGW"], "--port", self.host, "--quiet", "posix", str(folder)]
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(self.host.rpartition(":")[2]))) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("the server does not answer")

    def put(self, key: str, content: bytes) -> None:
        """Put an object, in a request that is signed as S3 wants it (AWS Signature Version 4)."""
        now, path = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ"), "/" + quote(key)
        digest = hashlib.sha256(content).hexdigest()
        signed = "host;x-amz-content-sha256;x-amz-date"
        canonical = f"PUT\n{path}\n\nhost:{self.host}\nx-amz-content-sha256:{digest}\nx-amz-date:{now}\n\n{signed}\n{digest}"
        scope = f"{now[:8]}/us-east-1/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        sign = ("AWS4" + SECRET).encode()
        for part in (*scope.split("/"), text):
            sign = hmac.new(sign, part.encode(), "sha256").digest()
        headers = {
            "x-amz-date": now,
            "x-amz-content-sha256": digest,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={signed}, Signature={sign.hex()}",
        }
        request = urllib.request.Request(self.url + path, data=content, method="PUT", headers=headers)
        urllib.request.urlopen(request, timeout=30).close()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for bucket in ("feat", "reports"):
        (tmp_path / "server" / bucket).mkdir(parents=True)
    server = Server(tmp_path / "server")
    for name, value in {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():
        monkeypatch.setenv(name, value)
    yield server
    server.process.kill()
    server.process.wait()


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Scenario:
    scenario = Scenario(tmp_path, monkeypatch)
    scenario.live()
    for path in scenario.store.rglob("*"):
        if path.is_file():
            server.put(f"feat/growth/{path.relative_to(scenario.store)}", path.read_bytes())
    shutil.rmtree(scenario.store)
    scenario.set(
        CONFIG="s3://feat/growth/featureaudit.yaml",
        FACTS="s3://reports/facts",
        HISTORY="s3://reports/history",
        FLAGS="s3://reports/flags.json",
        PUBLISH="s3://reports/nights",
        CONSUMERS="churn",
    )
    return scenario


def test_two_nights_of_a_bucket(scenario: Scenario, server: Server) -> None:
    bucket = server.folder / "reports"
    for night in range(2):
        run = scenario.run()
        assert run.states == {
            "audit": "success",
            "audited": "success",
            "tidy": "success",
            "gate": "success",
            "require_churn": "success",
            "train_churn": "success",
        }
        report = run.report()
        (view,) = report["views"]
        assert view["files"] in (5, 6)  # just after midnight the last day has no rows yet
        # rows of today may be later than the first night's as_of: their file is read again
        known = report["execution"].get("files_known", 0)
        assert known in (view["files"] - 1, view["files"]) if night else known == 0
        published = bucket / "nights" / "featureaudit" / f"{run.name()}.json"
        assert json.loads(published.read_text()) == report
        assert published.with_suffix(".html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert json.loads((bucket / "flags.json").read_text())["flags"]["featureview.growth.clicks"]["defaultVariant"] == "pass"
    assert len(list((bucket / "history").rglob("*.parquet"))) == 2


def test_a_wrong_secret_of_a_bucket_is_not_retried(scenario: Scenario, server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    scenario.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-secret-that-is-wrong")
    run = scenario.run()
    assert (run.states["audit"], run.states["audited"], run.states["gate"]) == ("failed", "upstream_failed", "skipped")
    assert scenario.called("run") == 1
    said = "".join(capfd.readouterr()) + "".join(p.read_text() for p in scenario.reports.rglob("*") if p.is_file())
    assert "planted-secret" not in said
