"""An OpenFeature provider over the flag file, without flagd and its pins."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode, FlagNotFoundError, GeneralError, ParseError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from ._decide import DEFAULT_MAX_REPORT_AGE
from ._file import FlagFile, FlagFileError, read
from ._instant import Instant, parse_instant


class FeatureAuditProvider(AbstractProvider):
    """Serves the verdicts of one flag file.

    Every evaluation looks whether the file was replaced. A file that is gone or broken is an error at once, and never
    the last good answer. There is no thread: events are sent by the evaluation that sees the change.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, max_report_age: float = DEFAULT_MAX_REPORT_AGE
    ) -> None:
        """Without a path it is the environment variable FEATUREAUDIT_FLAGS."""
        super().__init__()
        self._path = flags_path(path)
        self._max_report_age = max_report_age
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._file: FlagFile | None = None
        self._problem = ""
        self._state = "ready"

    def get_metadata(self) -> Metadata:
        return Metadata(name="featureaudit")

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        with self._lock:
            self._refresh()
            self._state = "error" if self._file is None else "ready"
            if self._file is None:
                raise ParseError(self._problem)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        file = self._current()
        try:
            file.key(flag_key)
        except KeyError as missing:
            raise FlagNotFoundError(missing.args[0]) from None
        evidence = file.evidence(flag_key)
        metadata = dict(evidence.metadata)
        if evidence.reason == "DISABLED":
            return FlagResolutionDetails(default_value, reason=Reason.DISABLED, flag_metadata=metadata)
        if evidence.problem:
            raise GeneralError(evidence.problem)
        return FlagResolutionDetails(
            evidence.value, reason=Reason.STATIC, variant=evidence.variant, flag_metadata=metadata
        )

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        _mismatch("boolean")

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        _mismatch("number")

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        _mismatch("number")

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        _mismatch("object")

    def _current(self) -> FlagFile:
        with self._lock:
            replaced = self._refresh()
            before, self._state = self._state, self._health()
            state, file, problem = self._state, self._file, self._problem
        if state == "error" and (replaced or before != state):
            self.emit_provider_error(ProviderEventDetails(message=problem, error_code=ErrorCode.PARSE_ERROR))
        elif state == "stale" and before != state:
            self.emit_provider_stale(
                ProviderEventDetails(message=f"{self._path}: its audit is too old; run the audit again")
            )
        elif state == "ready" and before != state:
            self.emit_provider_ready(ProviderEventDetails())
        if replaced and file is not None:
            self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=sorted(file.flags)))
        if file is None:
            raise ParseError(problem)
        return file

    def _refresh(self) -> bool:
        """Read the file again if it is another one, by identity, size or time, whichever way the time moved."""
        try:
            status = os.stat(self._path)
            stamp: tuple[int, ...] | None = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        except OSError:
            stamp = None
        if stamp is not None and stamp == self._stamp:
            return False
        changed = stamp != self._stamp
        self._stamp = stamp
        try:
            self._file, self._problem = read(self._path), ""
        except FlagFileError as error:
            self._file, self._problem = None, str(error)
        return changed

    def _health(self) -> str:
        if self._file is None:
            return "error"
        audits = []
        for flag in self._file.flags.values():
            try:
                audits.append(parse_instant(str(flag.metadata.get("audited_at"))))
            except ValueError:
                continue
        now = Instant(*divmod(time.time_ns(), 10**9))
        if not audits or max(audits).until(now) > self._max_report_age:
            return "stale"
        return "ready"


def flags_path(path: str | os.PathLike[str] | None) -> str:
    """The path given, else FEATUREAUDIT_FLAGS. ValueError where neither is set."""
    found = os.fspath(path) if path is not None else os.environ.get("FEATUREAUDIT_FLAGS", "")
    if not found:
        raise ValueError("no flag file: give flags=PATH, or set FEATUREAUDIT_FLAGS to the file of --out flagd=PATH")
    return found


def _mismatch(asked: str) -> NoReturn:
    raise TypeMismatchError(f"a verdict is a string (pass, warn, fail, unknown), not a {asked}")
