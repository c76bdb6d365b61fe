"""The lines that a pipeline writes: require, require_training_window, guard, and the hook."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from openfeature.client import OpenFeatureClient
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagType, FlagValueType
from openfeature.hook import Hook, HookContext, HookHints

from ._decide import UNKNOWN, Answer, Evidence, Question, Verdict, decide, decide_window
from ._file import FlagFileError, flag_key, is_contract, read
from ._instant import Instant, duration_seconds, instant_of
from ._provider import flags_path

P = ParamSpec("P")
R = TypeVar("R")
Limit = timedelta | float | str


class ContractViolation(Exception):
    """A view does not keep its contract, or nothing proves that it does."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.message)
        self.answer = answer

    @property
    def view(self) -> str:
        return self.answer.view

    @property
    def reason(self) -> Verdict:
        """stale (it grew old after an audit that passed), failed (the audit found something) or unknown."""
        return self.answer.verdict


def require(
    view: str,
    *,
    project: str | None = None,
    flags: str | os.PathLike[str] | None = None,
    max_age: Limit | None = None,
    accept: Sequence[str] = ("pass",),
    now: datetime | str | None = None,
    max_report_age: Limit | None = None,
    lookback: Limit | None = None,
    client: OpenFeatureClient | None = None,
) -> Answer:
    """Raise ContractViolation unless the view keeps its contract now; return the answer if it does.

    The file is flags, else FEATUREAUDIT_FLAGS; with client it is asked through OpenFeature instead. Limits are
    timedeltas, seconds or text such as "6h". ValueError is for questions that make no sense.
    """
    question = _question(view, max_age, accept, now, max_report_age, lookback)
    return _passed(decide(_evidence(view, project, flags, client), question))


def require_training_window(
    view: str,
    start: datetime | str,
    end: datetime | str,
    *,
    project: str | None = None,
    flags: str | os.PathLike[str] | None = None,
    now: datetime | str | None = None,
    max_report_age: Limit | None = None,
    client: OpenFeatureClient | None = None,
) -> Answer:
    """Raise ContractViolation unless all rows from start (included) to end (excluded) lie in clean partitions."""
    first, last = instant_of(start), instant_of(end)
    if first >= last:
        raise ValueError(f"view {view}: the window ends at {last}, not after its start {first}")
    question = _question(view, None, ("pass",), now, max_report_age, None)
    return _passed(decide_window(_evidence(view, project, flags, client), question, first, last))


def guard(
    *views: str,
    project: str | None = None,
    flags: str | os.PathLike[str] | None = None,
    max_age: Limit | None = None,
    accept: Sequence[str] = ("pass",),
    max_report_age: Limit | None = None,
    lookback: Limit | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a training function: it runs only if every view keeps its contract at the moment of the call."""
    if not views or not all(isinstance(view, str) for view in views):
        raise ValueError('guard needs names of views: @guard("web_impressions", max_age="6h")')

    def decorate(train: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(train)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            for view in views:
                require(
                    view,
                    project=project,
                    flags=flags,
                    max_age=max_age,
                    accept=accept,
                    max_report_age=max_report_age,
                    lookback=lookback,
                )
            return train(*args, **kwargs)

        return guarded

    return decorate


class MaxAgeHook(Hook):
    """Asserts a contract on every evaluation of a feature view's flag.

    A hook stops nobody: the SDK swallows what it raises and returns the caller's default. Ask with "unknown" as the
    default and look at error_code, or better, call require.
    """

    def __init__(
        self,
        max_age: Limit | None = None,
        *,
        accept: Sequence[str] = ("pass",),
        max_report_age: Limit | None = None,
        lookback: Limit | None = None,
        now: Callable[[], datetime] | None = None,
        record: Callable[[Answer], None] | None = None,
    ) -> None:
        """record is called once after each evaluation with the verdict on it, whoever raised."""
        self._limits = (max_age, accept, max_report_age, lookback)
        self._now, self._record = now, record
        self._judge("featureview.", Evidence(UNKNOWN))

    def supports_flag_value_type(self, flag_type: FlagType) -> bool:
        return flag_type == FlagType.STRING

    def after(self, hook_context: HookContext, details: FlagEvaluationDetails[FlagValueType], hints: HookHints) -> None:
        if not is_contract(hook_context.flag_key):
            return
        answer = self._judge(hook_context.flag_key, evidence_of(details))
        hook_context.hook_data["featureaudit"] = answer
        _passed(answer)

    def finally_after(
        self, hook_context: HookContext, details: FlagEvaluationDetails[FlagValueType], hints: HookHints
    ) -> None:
        if self._record is None or not is_contract(hook_context.flag_key):
            return
        # After is not called where the provider failed; the SDK has emptied the details where After raised.
        answer = hook_context.hook_data.get("featureaudit") or self._judge(hook_context.flag_key, evidence_of(details))
        self._record(answer)

    def _judge(self, key: str, evidence: Evidence) -> Answer:
        max_age, accept, max_report_age, lookback = self._limits
        now = self._now() if self._now else None
        return decide(evidence, _question(key, max_age, accept, now, max_report_age, lookback))


def evidence_of(details: FlagEvaluationDetails[FlagValueType] | FlagEvaluationDetails[str]) -> Evidence:
    """An OpenFeature evaluation as evidence."""
    problem = f"{details.error_code}: {details.error_message or ''}" if details.error_code else ""
    value = details.value if isinstance(details.value, str) else ""
    return Evidence(value, details.variant or "", str(details.reason or ""), problem, dict(details.flag_metadata or {}))


def _question(
    view: str,
    max_age: Limit | None,
    accept: Sequence[str],
    now: datetime | str | None,
    max_report_age: Limit | None,
    lookback: Limit | None,
) -> Question:
    if isinstance(accept, str):
        raise ValueError(f"accept {accept!r}: expected a sequence such as ('pass', 'warn')")

    def limit(value: Limit | None, name: str) -> float | None:
        return None if value is None else duration_seconds(value, name)

    return Question(
        view,
        Instant(*divmod(time.time_ns(), 10**9)) if now is None else instant_of(now),
        limit(max_age, "max_age"),
        tuple(accept) or ("pass",),
        limit(max_report_age, "max_report_age"),
        limit(lookback, "lookback"),
    )


def _evidence(
    view: str, project: str | None, flags: str | os.PathLike[str] | None, client: OpenFeatureClient | None
) -> Evidence:
    if client is not None:
        return evidence_of(client.get_string_details(flag_key(view, project), UNKNOWN))
    try:
        return read(flags_path(flags)).evidence(view, project)
    except (FlagFileError, ValueError) as error:
        return Evidence(UNKNOWN, reason="ERROR", problem=str(error))


def _passed(answer: Answer) -> Answer:
    if answer.verdict != "pass":
        raise ContractViolation(answer)
    return answer
