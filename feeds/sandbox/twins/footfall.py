"""The twin of a small supplier that only knows CSV: people counted at doors and squares.

No adapter was written for it: the feed below is the whole integration.
"""

from __future__ import annotations

import csv
import io
import math
import zlib
from zoneinfo import ZoneInfo

import numpy as np

from feeds.sandbox.bus_movement import local_hour
from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.lots import draw
from feeds.sandbox.twins import Asked, Offer, Twin

EVERY_S = 900
LONDON = ZoneInfo("Europe/London")
COLUMNS = ("Counter", "Place", "Lat", "Long", "Counted until", "People", "Battery (V)")
COUNTERS = (
    ("FF-01", "Station Square", 52.0346, -0.7736, 420),
    ("FF-02", "centre:mk north door", 52.0437, -0.7565, 700),
    ("FF-03", "centre:mk south door", 52.0424, -0.7545, 640),
    ("FF-04", "Theatre District", 52.0440, -0.7490, 260),
    ("FF-05", "Campbell Park", 52.0465, -0.7440, 130),
    ("FF-06", "Stadium MK", 52.0096, -0.7335, 90),
)


def build_table(city: City, view: View, asked: Asked) -> bytes:
    """People of the last full quarter of an hour, a row a counter; times local and without a zone, as such tables have it."""
    until_s = view.at_s // EVERY_S * EVERY_S
    until = to_utc(until_s + view.shift_s).astimezone(LONDON)
    hour = float(local_hour(np.asarray([until_s]))[0])
    day = math.exp(-((hour - 13.5) ** 2) / 18)
    file = io.StringIO()
    lines = csv.writer(file)
    lines.writerow([name if name != "People" or not view.drifted else "Count" for name in COLUMNS])
    for number, place, latitude, longitude, usual in COUNTERS * (2 if view.duplicated else 1):
        lot = float(draw(city.seed, zlib.crc32(number.encode()), until_s // EVERY_S))
        people = (
            round(usual * (0.03 + day) * (0.8 + 0.4 * lot))
            + city.happenings.crowd_at(latitude, longitude, until_s) // 12
        )
        lines.writerow([number, place, latitude, longitude, until.strftime("%d/%m/%Y %H:%M"), people, "3.6"])
    return file.getvalue().encode()


TWIN = Twin(
    name="footfall",
    offers=(Offer("/open-data/footfall.csv", "text/csv", build_table, "People counted, CSV"),),
    feeds="""
    - name: footfall
      title: People in the centre
      adapter: table_csv
      url: "{base}/open-data/footfall.csv"
      supplier: SANDBOX footfall counters
      every_s: 60
      # A count every quarter of an hour.
      ageing_after_s: 1800
      stale_after_s: 3600
      leaves_map_after_s: 10800
      options:
        kind: environment
        time_format: "%d/%m/%Y %H:%M"
        zone: Europe/London
        mapping:
          station_id: Counter
          title: Place
          latitude: Lat
          longitude: Long
          observed_at: Counted until
        quantities:
          footfall: People
        ignore: [Battery (V)]
    """,
)
