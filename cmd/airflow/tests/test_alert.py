"""The example of an alert: what it makes of the lines that tasks say, hostile ones too."""

from __future__ import annotations

import email
import email.policy
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HERE

LINK = "https://reports.example.com/featureaudit/r1.html"


@pytest.mark.parametrize(
    ("line", "says", "slack"),
    [
        ('{"outcome": "fail", "headline": "clicks null-keys: fail (owner web): 1 of 9 rows"}', "clicks null-keys: fail (owner web): 1 of 9 rows", None),
        ('{"verdict": "stale", "answers": [{"view": "a", "verdict": "pass", "message": "a is fresh"}, {"view": "b", "verdict": "stale", "message": "b is old"}]}', "b is old", None),
        ("audit of r1: Bash command failed", "audit of r1: Bash command failed", None),
        ("[1]", "[1]", None),
        ('{"headline": "<!channel> & <https://evil|here>"}', "<!channel> & <https://evil|here>", "&lt;!channel&gt; &amp; &lt;https://evil|here&gt;"),
        ('{"headline": "a\\r\\nBcc: all@example.com\\u0007"}', "a Bcc: all@example.com", None),
        ('{"headline": "größer als 1 日"}', "größer als 1 日", None),
    ],
)  # fmt: skip
def test_an_alert_is_two_files(tmp_path: Path, line: str, says: str, slack: str | None) -> None:
    program = [sys.executable, str(HERE.parent / "featureaudit_alert.py"), "gate_web", "r1", LINK]
    subprocess.run(program, input=line + "\n", text=True, check=True, env={"FEATUREAUDIT_OUTBOX": str(tmp_path)})
    message = json.loads((tmp_path / "r1.gate_web.slack.json").read_text())
    assert message["blocks"][0]["text"]["text"] == f"*gate_web failed*\n{slack or says}"
    mail = email.message_from_bytes((tmp_path / "r1.gate_web.eml").read_bytes(), policy=email.policy.default)
    assert sorted(mail.keys()) == ["Content-Transfer-Encoding", "Content-Type", "From", "MIME-Version", "Subject", "To"]
    assert (mail["To"], mail["Subject"]) == ("web@example.com", f"gate_web failed: {says}")
    assert mail.get_content().split("\n\n") == ["gate_web failed.", says, LINK + "\n"]
