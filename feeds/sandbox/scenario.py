"""Scenarios: what happens to the city for a lesson or a rehearsal, as data.

One YAML file each in `feeds/sandbox/scenarios/`, found by being there. How to
write one: docs/scenarios.md.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from feeds.sandbox.effects import Effect

FOLDER = Path(__file__).with_name("scenarios")
LONGEST_S = 7 * 86_400
Words = Annotated[str, Field(min_length=1, max_length=400)]


class BadScenario(ValueError):
    """A scenario cannot be read or is not there; the text says which file, where in it, and what to do."""


class Step(BaseModel):
    """A part of a scenario: one effect, in city seconds after the scenario's start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: Words
    after_s: int = Field(ge=0, le=LONGEST_S)
    for_s: int = Field(gt=0, le=LONGEST_S)
    does: Effect

    @model_validator(mode="before")
    @classmethod
    def _one_level(cls, value: Any) -> Any:
        """In the file an effect and its parameters stand beside the times, as people write them."""
        if not isinstance(value, dict) or "does" in value:
            return value
        own = {"words", "after_s", "for_s"}
        return {k: v for k, v in value.items() if k in own} | {"does": {k: v for k, v in value.items() if k not in own}}


class Scenario(BaseModel):
    """One file.

    Attributes:
        name: that of the file.
        words: what happens.
        operator_sees: what is true on the screens of a good control room while it runs.
        operator_does: what a good operator does about it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: Annotated[str, Field(min_length=1, max_length=80)]
    words: Annotated[str, Field(min_length=1, max_length=1_000)]
    operator_sees: tuple[Words, ...] = Field(min_length=1)
    operator_does: tuple[Words, ...] = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1, max_length=50)

    @property
    def duration_s(self) -> int:
        """City seconds from its start to the end of its last step."""
        return max(step.after_s + step.for_s for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        """All of it, with each step's effect and parameters beside its times."""
        steps = [
            {"words": s.words, "after_s": s.after_s, "for_s": s.for_s, **s.does.model_dump(mode="json")}
            for s in self.steps
        ]
        plain = self.model_dump(mode="json", exclude={"steps"})
        return {**plain, "duration_s": self.duration_s, "steps": steps}


def read_scenario(path: Path) -> Scenario:
    """The scenario of that file.

    Raises:
        BadScenario: it cannot be read, is no YAML mapping, or something in it is unknown or out of range.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadScenario(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadScenario(f"{path}: is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise BadScenario(f"{path}: a scenario is a mapping with title, words, steps, operator_sees, operator_does")
    if "name" in content:
        raise BadScenario(f"{path}: name: is not written; a scenario is named by its file")
    try:
        return Scenario.model_validate({"name": path.stem, **content})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise BadScenario(f"{path}: {_where(first['loc'])}: {_what(first)}") from None


def _where(places: tuple[int | str, ...]) -> str:
    """`steps[2].for_s` as the file has it: our own level `does` and the union's tag are left out."""
    text = ""
    skip = False
    for place in places:
        if skip:
            skip = False
        elif place == "does":
            skip = True
        else:
            text += f"[{place}]" if isinstance(place, int) else f".{place}"
    return text.removeprefix(".")


def _what(error: Any) -> str:
    kind, text = str(error["type"]), str(error["msg"])
    if kind == "missing":
        return "is missing; add it"
    if kind == "extra_forbidden":
        return "is not known here; take it out, or see docs/scenarios.md for what there is"
    return text.removeprefix("Value error, ")


@cache
def list_scenarios(folder: Path = FOLDER) -> tuple[Scenario, ...]:
    """Every scenario of the folder, by name; read once.

    Raises:
        BadScenario: one of them cannot be read.
    """
    return tuple(read_scenario(path) for path in sorted(folder.glob("*.yaml")))


def get_scenario(name: str, folder: Path = FOLDER) -> Scenario:
    """The scenario of that name.

    Raises:
        BadScenario: there is none.
    """
    found = next((s for s in list_scenarios(folder) if s.name == name), None)
    if found is None:
        names = ", ".join(s.name for s in list_scenarios(folder))
        raise BadScenario(f"no scenario {name[:80]!r}; there are: {names}")
    return found
