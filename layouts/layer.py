"""What a layer of the map is, and how layers are found: by being a module in `layouts/layers/`.

A layer is made on the server once per change of its tables and audience, encoded
once (`control_room/layers.py`) and drawn by the worker of every screen that shows
it. So its builder is

- pure: the view in, features out; no clock: what depends on the moment (in force
  from … until …, stale) is sent as a moment, and the worker judges it by the server's clock;
- honest: unknown stays NaN, None or NaT; nothing is left out silently;
- careful: texts may come from feeds. They are drawn and written as text, never as markup.

See docs/adding-a-layer.md.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from layouts.panel import View

Mark = Literal["hexagon", "cluster", "symbol"]


@dataclass(frozen=True)
class Entry:
    """One line of a layer's legend, and how the features that refer to it are drawn: said once for both.

    Attributes:
        words: what it means.
        path: SVG path data in a box of 24; "" for an area or a hexagon, which has its own shape.
        lines: further lines of the picture, stroked only: a cross, a tail.
        fill, stroke: colour tokens of assets/49-layers.css ("ink", "high", "ramp-1"), "" for none.
        dashed: outline in dashes: not known, or not certain.
        hatched: filled with hatching: not measured, or old.
        shown: whether the legend lists it even where nothing refers to it.
    """

    words: str
    path: str = ""
    lines: str = ""
    fill: str = ""
    stroke: str = ""
    dashed: bool = False
    hatched: bool = False
    shown: bool = True


@dataclass(frozen=True)
class Legend:
    """How one way of shading a layer reads.

    Attributes:
        title: what is shaded, with its unit.
        entries: in the order of reading; features refer to them by place, later ones are drawn first.
        note: what should be known of it, one sentence.
        mark: how features are drawn under this one, where otherwise than the layer's own.
        rows: class of the features it shows, at every zoom; None those of the zoom's class.
    """

    title: str
    entries: tuple[Entry, ...]
    note: str = ""
    mark: Mark | None = None
    rows: int | None = None


@dataclass(frozen=True, eq=False)
class Value:
    """A number each feature has: shown in its card.

    Attributes:
        values: float64, NaN unknown.
    """

    words: str
    values: np.ndarray
    unit: str = ""
    decimals: int = 0


@dataclass(frozen=True, eq=False)
class Fact:
    """A text each feature has: shown in its card. None is not told."""

    words: str
    values: Sequence[str | None]


@dataclass(frozen=True, eq=False)
class Features:
    """What a layer shows: columns of one length, one row a feature, in any order.

    Attributes:
        keys: unique in the layer; what deep links, cards and the desk name. None where a feature has no name but its place.
        labels: what people call it.
        latitude, longitude: degrees, of the mark. Rows with an unknown one are left out, and counted, by the encoder.
        shades: name of a way of shading -> place of each row in that legend's entries.
        observed_at: datetime64, NaT unknown; None where a row's own age says nothing (a plan is not stale for being old).
        step_s: that is rounded down to so many seconds: nobody needs the second of a drive of last month.
        feeds: name of the feed of each row, for its limits of age; None where they have none.
        values, facts: what the card says.
        tags: short text beside the mark; None none. Empty where no feature has one.
        sizes: float 0 and more; the area of a cluster's mark goes with it.
        levels: 0 to 100, NaN unknown, of the gauge beside a symbol.
        angles: degrees clockwise from north, NaN unknown: the symbol stands off that way.
        begins, ends: datetime64, NaT open: shown only from then until then.
        classes: of clusters: place of the class of zoom (`Layer.zooms`) that the row belongs to, or `Legend.rows`.
        shapes: of each row its lines and rings, each (closed, longitudes and latitudes as n x 2); empty for a point.
        hexagon: six corners (n x 2, longitude and latitude) about the middle of one, for marks of that sort.
        total: how many things the features stand for; None where each stands for one.
        unplaced: rows that have no place, and so no mark.
    """

    keys: Sequence[str] | None
    labels: Sequence[str | None]
    latitude: np.ndarray
    longitude: np.ndarray
    shades: Mapping[str, np.ndarray]
    observed_at: np.ndarray | None = None
    step_s: int = 1
    feeds: Sequence[str | None] | None = None
    values: tuple[Value, ...] = ()
    facts: tuple[Fact, ...] = ()
    tags: Sequence[str | None] = ()
    sizes: np.ndarray | None = None
    levels: np.ndarray | None = None
    angles: np.ndarray | None = None
    begins: np.ndarray | None = None
    ends: np.ndarray | None = None
    classes: np.ndarray | None = None
    shapes: Sequence[Sequence[tuple[bool, np.ndarray]]] = ()
    hexagon: np.ndarray | None = None
    total: int | None = None
    unplaced: int = 0


@dataclass(frozen=True)
class Layer:
    """One layer. Each module of `layouts/layers/` ends with `LAYER = Layer(...)`.

    Attributes:
        name: what topics and addresses say: `layer:coverage`, `?layers=coverage`.
        title: of its switch and legend.
        kinds: of the tables it is built from. It is built anew when one of them is another object, else never.
        build: the view -> what it shows.
        legends: way of shading -> its legend; the first is the usual one.
        mark: hexagons, and lines and areas of any layer, lie under names and roads' numbers; symbols and clusters over them.
        order: where it stands among the switches, and over which others it is drawn.
        adapters: feeds of these stand behind it also while they have brought nothing.
        noun: what one feature is called, and many.
        zooms: least zoom of each class of clusters, ascending.
        tags_from: zoom from which tags are drawn.
        table: panel that says the same as a table.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    build: Callable[[View], Features]
    legends: Mapping[str, Legend]
    mark: Mark = "symbol"
    order: int = 50
    adapters: tuple[str, ...] = ()
    noun: tuple[str, str] = ("feature", "features")
    zooms: tuple[float, ...] = ()
    tags_from: float = 12.5
    table: str = ""


def no_moment(size: int) -> np.ndarray:
    """A column of that many unknown moments."""
    return np.full(size, np.datetime64("NaT", "ms"))


@cache
def list_layers() -> Mapping[str, Layer]:
    """Every layer, by name, in the order of their switches."""
    found: list[Layer] = []
    for module in pkgutil.iter_modules([str(Path(__file__).parent / "layers")]):
        layer = getattr(importlib.import_module(f"layouts.layers.{module.name}"), "LAYER", None)
        if isinstance(layer, Layer):
            found.append(layer)
    return MappingProxyType({layer.name: layer for layer in sorted(found, key=lambda x: (x.order, x.name))})
