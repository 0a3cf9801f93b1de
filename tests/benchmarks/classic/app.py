"""The wall as a competent Dash developer would usually write it: the yardstick.

A thread asks the feed once a second; every page has a dcc.Interval whose
callback returns all points as GeoJSON (drawn on a canvas), the label of the
followed vehicle, the fleet panel and the feed strip. Same content, same ids.

Run: python tests/benchmarks/classic/app.py --feed URL --port N
"""

import argparse
import json
import logging
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import parse_qs

import dash_leaflet as dl
import httpx
import pandas as pd
from dash import Dash, Input, Output, State, dash_table, dcc, html
from dash_extensions.javascript import Namespace
from google.transit import gtfs_realtime_pb2

ROADS = Path(__file__).resolve().parents[3] / "control_room" / "city" / "milton_keynes" / "grid_roads.geojson"
latest = {"frame": pd.DataFrame(), "at": None, "failures": 0}


def poll(url):
    """Ask once a second, for ever; keep the last good rows."""
    with httpx.Client(timeout=5) as client:
        due = time.monotonic()
        while True:
            try:
                answer = client.get(url)
                answer.raise_for_status()
                latest["frame"] = decode(answer.content)
                latest["at"] = datetime.now(timezone.utc)
                latest["failures"] = 0
            except httpx.HTTPError:
                latest["failures"] += 1
            due = max(due + 1, time.monotonic())
            time.sleep(max(0, due - time.monotonic()))


def decode(body):
    message = gtfs_realtime_pb2.FeedMessage()
    message.ParseFromString(body)
    rows = []
    for entity in message.entity:
        vehicle = entity.vehicle
        rows.append(
            {
                "id": vehicle.vehicle.id,
                "label": vehicle.vehicle.label,
                "lat": vehicle.position.latitude,
                "lon": vehicle.position.longitude,
                "heading": vehicle.position.bearing,
                "speed_kmh": vehicle.position.speed * 3.6,
                "route": vehicle.trip.route_id,
                "observed": vehicle.timestamp,
            }
        )
    return pd.DataFrame(rows)


def geojson(frame, now):
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [round(row.lon, 6), round(row.lat, 6)]},
            "properties": {
                "id": row.id,
                "label": row.label,
                "heading": round(row.heading),
                "speed": round(row.speed_kmh, 1),
                "age": round(now - row.observed),
            },
        }
        for row in frame.itertuples(index=False)
    ]
    return {"type": "FeatureCollection", "features": features}


def build_layout():
    children = []
    if ROADS.exists():
        roads = json.loads(ROADS.read_text())
        children.append(dl.GeoJSON(data=roads, options={"style": {"color": "#39424c", "weight": 1}}, interactive=False))
    ns = Namespace("bench", "classic")
    children.append(dl.GeoJSON(id="vehicles", data={"type": "FeatureCollection", "features": []}, pointToLayer=ns("point")))
    card = html.Div([html.H2(id="followed-label"), html.P(id="followed-rest")])
    return html.Div(
        [
            dcc.Location(id="url"),
            dcc.Interval(id="tick", interval=1000),
            dl.Map(
                children,
                center=[52.04, -0.75],
                zoom=12,
                preferCanvas=True,
                style={"height": "1000px", "width": "1400px", "float": "left", "background": "#14181c"},
            ),
            html.Div([html.H1(id="clock"), card, html.Div(id="fleet"), html.Div(id="feeds")]),
        ]
    )


def build_fleet(frame, now):
    age = now - frame["observed"]
    groups = frame.assign(moving=frame["speed_kmh"] > 0, stale=age > 90).groupby("moving").agg(n=("id", "size"), stale=("stale", "sum"))
    head = frame.head(12)[["label", "route", "speed_kmh", "observed"]].round(1)
    return [
        html.P(f"{len(frame)} buses, {int(groups['stale'].sum())} not heard from"),
        dash_table.DataTable(head.to_dict("records"), [{"name": c, "id": c} for c in head.columns]),
    ]


def make_app():
    app = Dash(__name__, title="Control room, the classic way", serve_locally=True)
    app.layout = build_layout()

    @app.callback(
        Output("vehicles", "data"),
        Output("followed-label", "children"),
        Output("followed-rest", "children"),
        Output("fleet", "children"),
        Output("feeds", "children"),
        Output("clock", "children"),
        Input("tick", "n_intervals"),
        State("url", "search"),
    )
    def update(_ticks, search):
        frame, at = latest["frame"], latest["at"]
        now = time.time()
        if at is None:
            return {"type": "FeatureCollection", "features": []}, "–", "", [], "waiting", ""
        follow = parse_qs((search or "").lstrip("?")).get("follow", [""])[0]
        found = frame[frame["id"] == follow]
        label, rest = "–", ""
        if len(found):
            row = found.iloc[0]
            label, rest = row.label, f"{row.speed_kmh:.1f} km/h, {now - row.observed:.0f} s ago"
        feeds = f"buses: {len(frame)} rows, {now - at.timestamp():.0f} s ago, {latest['failures']} failures"
        return geojson(frame, now), label, rest, build_fleet(frame, now), feeds, datetime.now().strftime("%H:%M:%S")

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--feed", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    threading.Thread(target=poll, args=(given.feed,), daemon=True).start()
    make_app().run(host="127.0.0.1", port=given.port, debug=False)
