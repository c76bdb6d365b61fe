#!/usr/bin/env python3
"""Turn the alert of a failed task into a message for Slack and a mail, as two files. Nothing is sent.

An example for FEATUREAUDIT_ALERT of featureaudit_dag.py. Copy it to the workers, change the head, and let what sends
mail and calls webhooks in your house pick the files up:

    curl -sS -H 'Content-Type: application/json' -d @RUN.TASK.slack.json "$SLACK_WEBHOOK"
    sendmail -t < RUN.TASK.eml

Arguments: the task's id, the run, the link to the page of the run (or nothing). On stdin: what the task says, one line.
"""

from __future__ import annotations

import json
import os
import sys
from email.message import EmailMessage
from pathlib import Path

OUTBOX = Path(os.environ.get("FEATUREAUDIT_OUTBOX", "/var/lib/featureaudit/outbox"))
SENDER = os.environ.get("FEATUREAUDIT_MAIL_FROM", "featureaudit@example.com")
# Who is told of which task; all others are told of the rest.
RECIPIENTS = {"gate_fraud": "fraud@example.com", "gate_web": "web@example.com"}
OTHERS = "data-platform@example.com"


def headline(line: str) -> str:
    """What happened, in one sentence: of a gate the worst finding of its team, of a consumer what its views lack."""
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return printable(line)
    if "answers" in said:
        return printable("; ".join(answer["message"] for answer in said["answers"] if answer["verdict"] != "pass"))
    return printable(said.get("headline") or line)


def printable(text: str) -> str:
    """Text from data and definitions, on one line and without control characters."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def slack(task: str, says: str, link: str) -> str:
    """The payload of a webhook. Names cannot become mentions, links or markup in it."""
    text = says.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")[:2900]
    section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{task} failed*\n{text}", "verbatim": True}}
    blocks = [section]
    if link:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": f"<{link}|the page of this run>"}]})
    return json.dumps({"text": f"{task}: {text}", "blocks": blocks})


def mail(task: str, says: str, link: str) -> bytes:
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = RECIPIENTS.get(task, OTHERS)
    message["Subject"] = f"{task} failed: {says}"[:150]
    message.set_content("\n\n".join(filter(None, [f"{task} failed.", says, link])) + "\n")
    return message.as_bytes()


def main() -> None:
    task, run, link = sys.argv[1:4]
    says = headline(sys.stdin.read())
    OUTBOX.mkdir(parents=True, exist_ok=True)
    (OUTBOX / f"{run}.{task}.slack.json").write_text(slack(task, says, link))
    (OUTBOX / f"{run}.{task}.eml").write_bytes(mail(task, says, link))


if __name__ == "__main__":
    main()
