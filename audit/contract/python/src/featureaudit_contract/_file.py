"""The flag file, read as strictly as the Go program does: what two readers may understand differently is refused."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ._decide import UNKNOWN, Evidence

_FIELDS = ("state", "variants", "defaultVariant", "metadata")
_VIEW, _SERVICE = "featureview.", "featureservice."


class FlagFileError(Exception):
    """A flag file that is missing, broken, or says more than one thing."""


@dataclass(frozen=True)
class _Flag:
    disabled: bool
    variant: str
    value: str
    metadata: dict[str, Any]
    problem: str = ""


@dataclass(frozen=True)
class FlagFile:
    """What one audit says about each view."""

    flags: dict[str, _Flag] = field(default_factory=dict)

    def key(self, view: str, project: str | None = None) -> str:
        """The key of a view's flag: by key, by project and view, or by the view alone where one project has it.

        KeyError with a message where there is none, or more than one.
        """
        for key in (view, f"{_VIEW}{project}.{view}" if project else _VIEW + view):
            if key in self.flags:
                return key
        if project:
            raise KeyError(f"it knows no view {view!r} of project {project!r}; it has {self._some()}")
        short = view.removeprefix(_VIEW)
        keys = sorted(key for key, flag in self.flags.items() if flag.metadata.get("feature_view") == short)
        if not keys:
            raise KeyError(f"it knows no view {view!r}; it has {self._some()}")
        if len(keys) > 1:
            raise KeyError(f"several projects have a view {view!r} ({', '.join(keys)}): name the project")
        return keys[0]

    def evidence(self, view: str, project: str | None = None) -> Evidence:
        """What the file says about a view, in the words of an OpenFeature evaluation."""
        try:
            key = self.key(view, project)
        except KeyError as missing:
            return Evidence(value=UNKNOWN, reason="ERROR", problem=missing.args[0])
        flag = self.flags[key]
        if flag.disabled:
            problem = f"the flag {key} is disabled"
            return Evidence(value=UNKNOWN, reason="DISABLED", problem=problem, metadata=flag.metadata)
        if flag.problem:
            problem = f"the flag {key} cannot be evaluated: {flag.problem}"
            return Evidence(value=UNKNOWN, reason="ERROR", problem=problem, metadata=flag.metadata)
        return Evidence(value=flag.value, variant=flag.variant, reason="STATIC", metadata=flag.metadata)

    def _some(self) -> str:
        keys = sorted(self.flags)
        if not keys:
            return "none at all"
        more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
        return ", ".join(keys[:5]) + more


def is_contract(key: str) -> bool:
    """Whether a flag is one of ours, by its key."""
    return key.startswith((_VIEW, _SERVICE))


def flag_key(view: str, project: str | None) -> str:
    """The key to ask an OpenFeature client for."""
    if is_contract(view):
        return view
    return f"{_VIEW}{project}.{view}" if project else _VIEW + view


def read(path: str | os.PathLike[str]) -> FlagFile:
    """Read a flag file from disk. FlagFileError names the file and what is wrong with it."""
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as error:
        reason = error.strerror or str(error)
        raise FlagFileError(
            f"flag file {os.fspath(path)}: {reason}; write it with featureaudit run --out flagd=PATH"
        ) from error
    try:
        return parse(raw)
    except FlagFileError as error:
        raise FlagFileError(f"flag file {os.fspath(path)}: {error}") from error


def parse(raw: bytes) -> FlagFile:
    """Read the bytes of a flag file."""
    top = _load(raw)
    if not isinstance(top, dict):
        raise FlagFileError("it is no JSON object; expected a flag file with flags")
    flags = top.get("flags")
    if not isinstance(flags, dict):
        raise FlagFileError("it has no object flags; expected a flag file that featureaudit run --out flagd=PATH wrote")
    shared = _metadata("metadata", top)
    return FlagFile({key: _flag(key, value, shared) for key, value in flags.items()})


def _load(raw: bytes) -> Any:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise FlagFileError("it begins with a byte order mark; write it as plain UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FlagFileError("it is not UTF-8") from error
    if not text.strip():
        raise FlagFileError("it is empty")
    try:
        return json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_float, parse_int=_int
        )
    except RecursionError as error:
        raise FlagFileError("it is nested too deep") from error
    except ValueError as error:
        raise FlagFileError(f"no valid JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise FlagFileError(f"the key {key[:64]!r} stands twice")
            seen.add(key)
    return found


def _no_constant(name: str) -> NoReturn:
    raise FlagFileError(f"{name} is no number of JSON")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise FlagFileError(f"{text[:40]} is beyond the numbers that can be read")
    return number


def _int(text: str) -> int | float:
    # What does not fit 64 bits is a float everywhere else, too; and int() of very long texts is an error of its own.
    if len(text) > 18:
        number = _float(text)
        return int(text) if abs(number) < 2**63 else number
    return int(text)


def _metadata(path: str, holder: dict[str, Any]) -> dict[str, Any]:
    metadata = holder.get("metadata", {})
    if not isinstance(metadata, dict):
        raise FlagFileError(f"{path} is no object")
    for name, value in metadata.items():
        if not isinstance(value, (str, bool, int, float)):
            raise FlagFileError(
                f"{path}.{name[:64]} is null, a list or an object: only text, numbers and booleans have a meaning there"
            )
    return metadata


def _flag(key: str, value: Any, shared: dict[str, Any]) -> _Flag:
    where = f"flags.{key}"
    if not isinstance(value, dict):
        raise FlagFileError(f"{where} is no object")
    for name in sorted(value):
        if name not in _FIELDS:
            raise FlagFileError(f"{where}: unexpected field {name[:64]!r}; a verdict has {', '.join(_FIELDS)} only")
    if value.get("state") not in ("ENABLED", "DISABLED"):
        raise FlagFileError(f"{where}: its state is not ENABLED or DISABLED")
    variants = value.get("variants")
    if not isinstance(variants, dict) or not variants:
        raise FlagFileError(f"{where} has no variants")
    for name, text in variants.items():
        if not isinstance(text, str):
            raise FlagFileError(f"{where}: its variant {name[:64]!r} is no text")
    metadata = {**shared, **_metadata(where + ".metadata", value)}
    disabled = value["state"] == "DISABLED"
    chosen = value.get("defaultVariant")
    if not isinstance(chosen, str):
        return _Flag(disabled, "", "", metadata, "it has no defaultVariant")
    if chosen not in variants:
        return _Flag(disabled, "", "", metadata, f"its defaultVariant {chosen[:64]!r} is none of its variants")
    return _Flag(disabled, chosen, variants[chosen], metadata)
