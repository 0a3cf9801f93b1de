"""Layers of the map as bytes: each encoded once per change of its tables and audience.

A layer's message is tag 4 and raw deflate of: u32 length of a JSON header, the
header, then the columns it names one after another, coded as in `columns.py`.
A column holds differences between neighbouring rows, which stand in an order in
which neighbours are near each other, or from its own middle (`middles`). `docs/live-protocol.md` says what each
column means; `assets/worker/layers.js` reads them, and `decode_layer` here does too.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from control_room.columns import ColumnReader, cost, encode_column
from control_room.frames import LAYER, FrameError, deflate, inflate
from control_room.live import LAYER_TOPIC
from control_room.marks import mercator
from control_room.model import Snapshot, Table
from layouts.layer import Entry, Features, Layer, Legend
from layouts.panel import View

UNKNOWN = -(2**31)
# World pixels of zoom 18 (0.37 m) that one step of a position stands for: nobody can tell apart less on a map.
GRAIN = {"hexagon": 8, "cluster": 8, "symbol": 2}
MOST_FEATURES = 50_000

_SECOND = np.timedelta64(1, "s")


@dataclass
class _Kept:
    """A layer as last encoded, and the tables it came from."""

    tables: tuple[Table | None, ...]
    message: bytes


class LayerKeeper:
    """The layers of one audience: built again only when a table they come from is another object.

    Args:
        layers: by name.
        said: called once when a layer cannot be built, and not again until it can; what it showed before stays.
    """

    def __init__(self, layers: Mapping[str, Layer], said: Callable[[str], None]) -> None:
        self._layers = layers
        self._said = said
        self._kept: dict[str, _Kept] = {}
        self._failing: set[str] = set()

    def make(self, snapshot: Snapshot, view: View, wanted: Iterable[str]) -> dict[str, bytes]:
        """Name -> message of those wanted; a name that is no layer is not in it, as any client may ask for any.

        Args:
            snapshot: whole: projecting makes new tables, whose identity would say nothing.
            view: of the audience.
        """
        made: dict[str, bytes] = {}
        for name in wanted:
            layer = self._layers.get(name)
            if layer is not None and (message := self._message(layer, snapshot, view)) is not None:
                made[name] = message
        return made

    def _message(self, layer: Layer, snapshot: Snapshot, view: View) -> bytes | None:
        tables = tuple(snapshot.tables.get(kind) for kind in layer.kinds)
        kept = self._kept.get(layer.name)
        if kept is not None and all(a is b for a, b in zip(kept.tables, tables, strict=True)):
            return kept.message
        try:
            message = encode_layer(layer, layer.build(view), view)
        except Exception:
            # One layer's fault harms only itself. Its panel says how old its feeds are all the same.
            if layer.name not in self._failing:
                self._failing.add(layer.name)
                self._said(layer.name)
            return None if kept is None else kept.message
        self._failing.discard(layer.name)
        self._kept[layer.name] = _Kept(tables, message)
        return message


def list_wanted(wanted: Iterable[str]) -> list[str]:
    """Names of layers among topics: what begins with `layer:`."""
    return sorted(topic.removeprefix(LAYER_TOPIC) for topic in wanted if topic.startswith(LAYER_TOPIC))


def encode_layer(layer: Layer, features: Features, view: View) -> bytes:
    """One layer as its binary message.

    Raises:
        ValueError: columns differ in length, a key occurs twice, or there are too many features.
    """
    total = len(features.latitude)
    if total > MOST_FEATURES:
        raise ValueError(f"layer {layer.name} has {total} features, over {MOST_FEATURES}: gather them on the server")
    if features.keys is not None and len(set(features.keys)) != total:
        raise ValueError(f"layer {layer.name} has a key twice, or another number of keys than of places")
    latitude, longitude = np.asarray(features.latitude, float), np.asarray(features.longitude, float)
    with np.errstate(invalid="ignore"):
        placed = np.flatnonzero((np.abs(latitude) <= 85) & (np.abs(longitude) <= 180))
    grain = GRAIN[layer.mark]
    x, y = (np.rint(a / grain).astype(np.int32) for a in mercator(latitude[placed], longitude[placed]))
    order = _order(layer, features, placed, x, y)
    rows = placed[order]
    write = _Writer(len(rows))
    write.add("x", x[order])
    write.add("y", y[order])
    header: dict[str, Any] = {
        "name": layer.name,
        "kind": layer.kinds[0],
        "title": layer.title,
        "mark": layer.mark,
        "noun": layer.noun,
        "table": layer.table,
        "grain": grain,
        "order": layer.order,
        "tags_from": layer.tags_from,
        "zooms": layer.zooms,
        "n": len(rows),
        "total": len(rows) if features.total is None else features.total,
        "unplaced": features.unplaced + total - len(placed),
        "legends": [_plain_legend(name, legend) for name, legend in layer.legends.items()],
        "keys": None if features.keys is None else _write_keys(write, [features.keys[i] for i in rows]),
        "labels": _write_texts(write, "label", [features.labels[i] for i in rows]),
    }
    _write_facts(write, header, layer, features, rows)
    _write_times(write, header, features, rows, view)
    _write_looks(write, header, features, rows)
    _write_shapes(write, header, features, rows, grain)
    if layer.mark == "hexagon":
        box = view.city.box
        x, y = mercator(np.array([box.north, box.south]), np.array([box.west, box.east]))
        header["box"] = [int(x[0]), int(y[0]), int(x[1]), int(y[1])]
    header["columns"], header["middles"] = write.names, write.middles
    text = orjson.dumps(header)
    return deflate(LAYER, struct.pack("<I", len(text)) + text + b"".join(write.parts))


def _order(layer: Layer, features: Features, placed: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Neighbours near each other: H3 indices have that order by themselves, other places by a curve through the plane."""
    if layer.mark == "hexagon" and features.keys is not None:
        return np.array(sorted(range(len(placed)), key=[features.keys[i] for i in placed].__getitem__), dtype=np.intp)
    if not len(x):
        return np.zeros(0, dtype=np.intp)
    curve = _spread((x - x.min()).astype(np.uint64)) | (_spread((y - y.min()).astype(np.uint64)) << np.uint64(1))
    return np.lexsort((curve, np.zeros(len(x)) if features.classes is None else features.classes[placed]))


def _spread(values: np.ndarray) -> np.ndarray:
    """Bits of 32-bit numbers parted by zeros (Morton's curve)."""
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        values = (values | (values << np.uint64(shift))) & np.uint64(mask)
    return values


class _Writer:
    """Columns one after another, each as differences between neighbours or from its middle, whichever is shorter."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.names: list[str] = []
        self.parts: list[bytes] = []
        self.middles: dict[str, int] = {}

    def add(self, name: str, values: np.ndarray, size: int | None = None) -> None:
        expected = self.size if size is None else size
        if len(values) != expected:
            raise ValueError(f"column {name} has {len(values)} values, the layer {expected} features")
        self.names.append(name)
        # Wraps like everything on the wire: the reader's sum wraps back.
        whole = values.astype(np.int32)
        with np.errstate(over="ignore"):
            steps = np.diff(whole, prepend=np.int32(0)).astype(np.int32)
            # What is noise gets no smaller by differences: then its distance from the middle is sent.
            middle = int(np.median(whole[whole != UNKNOWN])) if (whole != UNKNOWN).any() else 0
            around = (whole - np.int32(middle)).astype(np.int32)
        if cost(around) < cost(steps):
            self.middles[name] = middle
            self.parts.append(encode_column(around))
        else:
            self.parts.append(encode_column(steps))


def _plain_legend(name: str, legend: Legend) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "name": name,
        "title": legend.title,
        "note": legend.note,
        "entries": [_plain_entry(e) for e in legend.entries],
    }
    own = {"mark": legend.mark, "rows": legend.rows}
    return plain | {key: value for key, value in own.items() if value is not None}


def _plain_entry(entry: Entry) -> dict[str, Any]:
    said = {
        name: getattr(entry, name)
        for name in ("words", "path", "lines", "fill", "stroke", "dashed", "hatched", "shown")
    }
    return {name: value for name, value in said.items() if value or name in ("words", "shown")}


def _write_keys(write: _Writer, keys: Sequence[str]) -> dict[str, Any]:
    """Keys without what each shares with the one before, and without the end that all share."""
    # What the first and the last in order share at their ends, all between them share.
    turned = [key[::-1] for key in keys]
    end = keys[0][len(keys[0]) - _count_same(min(turned), max(turned)) :] if len(keys) > 1 else ""
    shared, parts, before = [], [], ""
    for key in keys:
        own = key.removesuffix(end)
        same = _count_same(before, own)
        shared.append(same)
        parts.append(own[same:])
        before = own
    write.add("key", np.array(shared, dtype=np.int32))
    # One text for all: a thousand quotes and commas cost more than the keys.
    return {"end": end, "parts": "\n".join(parts)} if not any("\n" in p for p in parts) else {"end": end, "list": parts}


def _count_same(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _write_texts(write: _Writer, name: str, texts: Sequence[str | None]) -> list[str]:
    """Each text once; the column says which, from 1; 0 is none."""
    found: dict[str, int] = {}
    write.add(name, np.array([0 if t is None else found.setdefault(t, len(found) + 1) for t in texts], dtype=np.int32))
    return list(found)


def _whole(values: np.ndarray, rows: np.ndarray, decimals: int = 0) -> np.ndarray:
    """Numbers as whole multiples of the last decimal; UNKNOWN where unknown or beyond what is ever shown."""
    scaled = np.asarray(values, float)[rows] * 10**decimals
    known = np.isfinite(scaled) & (np.abs(scaled) < 2**30)
    return np.where(known, np.rint(np.where(known, scaled, 0)), UNKNOWN).astype(np.int32)


def _write_facts(write: _Writer, header: dict[str, Any], layer: Layer, features: Features, rows: np.ndarray) -> None:
    if set(features.shades) != set(layer.legends):
        raise ValueError(f"layer {layer.name} shades {sorted(features.shades)}, its legends {sorted(layer.legends)}")
    for name, shade in features.shades.items():
        write.add(f"shade:{name}", np.asarray(shade)[rows])
    header["values"] = []
    for i, value in enumerate(features.values):
        header["values"].append({"words": value.words, "unit": value.unit, "decimals": value.decimals})
        write.add(f"value:{i}", _whole(value.values, rows, value.decimals))
    header["facts"] = []
    for i, fact in enumerate(features.facts):
        texts = _write_texts(write, f"fact:{i}", [fact.values[r] for r in rows])
        header["facts"].append({"words": fact.words, "texts": texts})
    header["tags"] = _write_texts(write, "tag", [features.tags[r] for r in rows]) if len(features.tags) else []


def _write_times(write: _Writer, header: dict[str, Any], features: Features, rows: np.ndarray, view: View) -> None:
    columns = {"t": features.observed_at, "begins": features.begins, "ends": features.ends}
    known = [c[rows][~np.isnat(c[rows])] for c in columns.values() if c is not None]
    moments = np.concatenate(known) if known else np.zeros(0, "datetime64[ms]")
    t0 = int(moments.min().astype("datetime64[s]").astype(np.int64)) if len(moments) else 0
    header["t0"], header["step_s"] = t0, features.step_s
    for name, column in columns.items():
        if column is not None:
            picked = column[rows].astype("datetime64[s]")
            steps = (picked.astype(np.int64) - t0) // (features.step_s if name == "t" else 1)
            write.add(name, np.clip(np.where(np.isnat(picked), -1, steps) + 1, 0, 2**31 - 1))
    header["feeds"] = []
    if features.feeds is not None:
        names = [features.feeds[r] for r in rows]
        found = {name: i for i, name in enumerate(dict.fromkeys(names))}
        limits = {f.name: f for f in view.feeds}
        for name in found:
            feed = limits.get(name or "")
            header["feeds"].append(
                {"name": name, "ageing_s": feed.ageing_after_s, "stale_s": feed.stale_after_s}
                if feed
                else {"name": name}
            )
        write.add("feed", np.array([found[name] for name in names], dtype=np.int32))


def _write_looks(write: _Writer, header: dict[str, Any], features: Features, rows: np.ndarray) -> None:
    for name, column in (("size", features.sizes), ("level", features.levels), ("angle", features.angles)):
        if column is not None:
            write.add(name, _whole(column, rows))
    if features.classes is not None:
        write.add("class", features.classes[rows])
    if features.hexagon is not None:
        x, y = (a.astype(float) for a in mercator(features.hexagon[:, 1], features.hexagon[:, 0]))
        header["hexagon"] = [
            [round(float(a - x.mean()), 1), round(float(b - y.mean()), 1)] for a, b in zip(x, y, strict=True)
        ]


def _write_shapes(write: _Writer, header: dict[str, Any], features: Features, rows: np.ndarray, grain: int) -> None:
    if not len(features.shapes):
        return
    shapes = [features.shapes[r] for r in rows]
    parts = [part for shape in shapes for part in shape]
    points = [p for _, p in parts]
    whole = np.concatenate(points) if points else np.zeros((0, 2))
    px, py = (np.rint(a / grain).astype(np.int32) for a in mercator(whole[:, 1], whole[:, 0]))
    header["parts"], header["points"] = len(parts), len(whole)
    write.add("parts", np.array([len(shape) for shape in shapes], dtype=np.int32))
    write.add("lengths", np.array([2 * len(p) + int(closed) for closed, p in parts], dtype=np.int32), len(parts))
    write.add("px", px, len(whole))
    write.add("py", py, len(whole))


def decode_layer(message: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and columns (int32) of a layer's message. Keys are whole texts in `header["keys"]`.

    Raises:
        FrameError: not a layer's message, or damaged.
    """
    if not message or message[0] != LAYER:
        raise FrameError(f"tag {message[:1].hex() or 'missing'} is no layer")
    _, body = inflate(message)
    try:
        (length,) = struct.unpack_from("<I", body)
        header = orjson.loads(body[4 : 4 + length])
        data = memoryview(body)[4 + length :]
        sizes = {"lengths": header.get("parts", 0), "px": header.get("points", 0), "py": header.get("points", 0)}
        columns: dict[str, np.ndarray] = {}
        reader = ColumnReader(data, header["n"])
        for name in header["columns"]:
            read, middle = reader.column(size=sizes.get(name)), header["middles"].get(name)
            with np.errstate(over="ignore"):
                columns[name] = np.cumsum(read, dtype=np.int32) if middle is None else read + np.int32(middle)
    except (struct.error, KeyError, TypeError, ValueError) as error:
        raise FrameError("layer is cut short or damaged") from error
    said = header["keys"]
    if said is None:
        return header, columns
    parts = said["list"] if "list" in said else said["parts"].split("\n")
    keys, before = [], ""
    for shared, part in zip(columns["key"].tolist(), parts, strict=False):
        before = before[:shared] + part
        keys.append(before + said["end"])
    header["keys"] = keys
    return header, columns
