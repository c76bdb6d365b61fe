"""The one decision over a view's flag. It fails closed, and mirrors audit/contract/decide.go rule by rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ._instant import Instant, in_words, parse_instant

Verdict = Literal["pass", "stale", "failed", "unknown"]

PASS, WARN, FAIL, UNKNOWN = "pass", "warn", "fail", "unknown"
CONTRACT_VERSION = 1
DEFAULT_MAX_REPORT_AGE = 30 * 3600.0
CLOCK_SKEW = 300.0


@dataclass(frozen=True)
class Evidence:
    """One evaluation of a view's flag, from our file or from any OpenFeature provider that serves it."""

    value: str
    variant: str = ""
    reason: str = ""
    problem: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """What a consumer asserts of a view. Limits are in seconds; None leaves them to the view or the default."""

    view: str
    now: Instant
    max_age: float | None = None
    accept: tuple[str, ...] = (PASS,)
    max_report_age: float | None = None
    lookback: float | None = None

    def __post_init__(self) -> None:
        if not self.view:
            raise ValueError("no view is named")
        for variant in self.accept:
            if variant not in (PASS, WARN):
                raise ValueError(f"view {self.view}: accept {variant!r}: expected pass or warn")


@dataclass(frozen=True)
class Answer:
    """The verdict on one question, with the reason in words."""

    view: str
    verdict: Verdict
    message: str
    age_seconds: float | None = None
    limit_seconds: float | None = None


class _End(Exception):
    """The first rule that decides."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.message)
        self.answer = answer


def decide(evidence: Evidence, question: Question) -> Answer:
    """Judge a view: trust in the audit first, then its verdict, then the age at the instant of asking."""
    case = _Case(evidence, question)
    try:
        case.trust()
        case.variant()
        case.age()
        case.lookback()
    except _End as end:
        return end.answer
    return case.passed()


def decide_window(evidence: Evidence, question: Question, start: Instant, end: Instant) -> Answer:
    """Judge whether the rows of a training window, from start (included) to end (excluded), are proven clean.

    The verdict of the view as a whole does not matter: an old fault outside the window spoils nothing.
    """
    case = _Case(evidence, question)
    try:
        case.trust()
        first, last = case.clean_run()
        if first <= start and end <= last:
            case.end("pass", f"the window {start} to {end} lies in the clean run {first} to {last}")
        case.end(
            "failed" if evidence.value == FAIL else "unknown",
            f"the window {start} to {end} leaves the clean run {first} to {last}{case.findings()}; "
            "narrow the window, or repair the rest and audit again",
        )
    except _End as ended:
        return ended.answer
    raise AssertionError("every path ends the case")


class _Case:
    def __init__(self, evidence: Evidence, question: Question) -> None:
        self.e, self.q, self.m = evidence, question, evidence.metadata
        self.answer = Answer(question.view, "unknown", "")

    def end(self, verdict: Verdict, text: str) -> None:
        raise _End(self.close(verdict, text))

    def close(self, verdict: Verdict, text: str) -> Answer:
        owner = f" (owner {self.text('owner')})" if self.text("owner") else ""
        return replace(self.answer, verdict=verdict, message=f"{self.q.view}{owner}: {verdict}: {text}")

    def text(self, name: str) -> str:
        value = self.m.get(name)
        return value if isinstance(value, str) else ""

    def trust(self) -> None:
        if self.e.problem:
            self.end("unknown", self.e.problem)
        if self.e.reason not in ("STATIC", "CACHED"):
            self.end(
                "unknown",
                f'the answer has the reason "{self.e.reason}", so that no audit stands behind it; '
                "register a provider that reads the flag file",
            )
        if _number(self.m.get("contract_version")) != CONTRACT_VERSION:
            self.end(
                "unknown",
                f"its contract_version is {_show(self.m, 'contract_version')}, expected {CONTRACT_VERSION}; "
                "use the featureaudit that wrote the file",
            )
        audited = self.instant("audited_at", "{}; audit again")
        limit = self.q.max_report_age or DEFAULT_MAX_REPORT_AGE
        age = audited.until(self.q.now)
        if age < -CLOCK_SKEW:
            self.end(
                "unknown",
                f"it was audited at {audited}, {in_words(-age)} ahead of now ({self.q.now}): the clocks disagree",
            )
        if age > limit:
            self.end(
                "unknown",
                f"last looked at {in_words(age)} ago ({audited}), and an audit counts for {in_words(limit)}; "
                "run the audit again",
            )
        if self.e.variant != self.e.value or self.e.value not in (PASS, WARN, FAIL, UNKNOWN):
            self.end(
                "unknown",
                f'its value is "{self.e.value[:40]}" (variant "{self.e.variant[:40]}"), '
                "expected pass, warn, fail or unknown",
            )

    def variant(self) -> None:
        if self.e.value == UNKNOWN:
            self.end(
                "unknown", f"the audit of {self.text('audited_at')} could not judge it{self.findings()}; see the report"
            )
        if self.e.value not in (self.q.accept or (PASS,)):
            self.end(
                "failed",
                f"the audit of {self.text('audited_at')} says {self.e.value}{self.findings()}{self.age_in_words()}; "
                "see the report, repair it, and audit again",
            )
        if self.m.get("ttl_declared") is not True:
            self.end(
                "unknown",
                "no ttl is declared for it, so that nobody decided when it expires; "
                "declare one, or ttl: {never: reason}",
            )

    def findings(self) -> str:
        reasons = self.text("reasons")
        return f" ({reasons.replace(',', ', ')})" if reasons else ""

    def age_in_words(self) -> str:
        try:
            age = parse_instant(self.text("newest_event_time")).until(self.q.now)
        except ValueError:
            return ""
        self.answer = replace(self.answer, age_seconds=age)
        try:
            limit = self.limit()
        except _End:
            limit = None
        promised = ""
        if limit is not None:
            self.answer = replace(self.answer, limit_seconds=limit)
            promised = f", promised {in_words(limit)}"
        return f"; its newest event is {in_words(age)} old{promised}"

    def age(self) -> None:
        newest = self.instant("newest_event_time", "{}; without it no age is known")
        age = newest.until(self.q.now)
        if age < -CLOCK_SKEW:
            self.end(
                "unknown",
                f"its newest event is at {newest}, {in_words(-age)} ahead of now ({self.q.now}): the clocks disagree",
            )
        self.answer = replace(self.answer, age_seconds=age)
        limit = self.limit()
        self.answer = replace(self.answer, limit_seconds=limit)
        dated = "stale_after" in self.m
        if limit is None and not dated and not self.text("ttl_never"):
            self.end("unknown", "nothing limits its age: give max_age, or declare max_age or ttl for the view")
        if limit is not None and age > limit:
            self.end(
                "stale",
                f"its newest event is {in_words(age)} old ({newest}), promised {in_words(limit)}; "
                "wait for its feed or restart it, then audit again",
            )
        if not dated:
            return
        after = self.instant("stale_after", "{}; audit again")
        if self.q.now > after:
            self.end(
                "stale",
                f"a part of it is older than promised since {after} (the newest event of all is {in_words(age)} old); "
                "restart that feed, then audit again",
            )

    def limit(self) -> float | None:
        limit = self.q.max_age
        for name in ("max_age_seconds", "ttl_seconds"):
            if name not in self.m:
                continue
            promised = _number(self.m[name])
            if promised is None or promised <= 0:
                self.end("unknown", f"its {name} is {_show(self.m, name)}, expected a number above 0; audit again")
            elif limit is None or promised < limit:
                limit = promised
        return limit

    def lookback(self) -> None:
        if self.q.lookback is None:
            return
        first, last = self.clean_run()
        length = first.until(last)
        if length < self.q.lookback:
            self.end(
                "failed",
                f"its newest clean run is {in_words(length)} long ({first} to {last}), and the consumer reads back "
                f"{in_words(self.q.lookback)}; repair what lies before, and audit again",
            )

    def clean_run(self) -> tuple[Instant, Instant]:
        if self.m.get("partitioned") is False and "clean_from" not in self.m:
            self.end(
                "unknown",
                "it has no time partitions, so that no window of it can be proven clean: declare its time_partition "
                "and audit again, or require the view as a whole",
            )
        first = self.instant("clean_from", "{}: no run of its partitions is proven clean")
        last = self.instant("clean_until", "{}: no run of its partitions is proven clean")
        if first >= last:
            self.end("unknown", f"its clean_from {first} is not before its clean_until {last}")
        return first, last

    def instant(self, name: str, message: str) -> Instant:
        value = self.m.get(name)
        if value is None:
            problem = f"its {name} is missing"
        elif not isinstance(value, str):
            problem = f"its {name} is {value}, expected an instant"
        else:
            try:
                return parse_instant(value)
            except ValueError as error:
                problem = f"its {name} {error}"
        raise _End(self.close("unknown", message.format(problem)))

    def passed(self) -> Answer:
        age = in_words(self.answer.age_seconds or 0.0)
        if self.answer.limit_seconds is not None:
            return self.close("pass", f"its newest event is {age} old, promised {in_words(self.answer.limit_seconds)}")
        if self.text("stale_after"):
            return self.close("pass", f"its newest event is {age} old, promised until {self.text('stale_after')}")
        return self.close("pass", f"its newest event is {age} old, and its ttl is never: {self.text('ttl_never')}")


def _number(value: Any) -> float | None:
    """A finite number; a boolean is none, and neither is what no float can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _show(metadata: Mapping[str, Any], name: str) -> str:
    if name not in metadata:
        return "missing"
    value = metadata[name]
    return f'"{value[:40]}"' if isinstance(value, str) else str(value)[:40]
