"""Road situations of the simulated city by DATEX II 3: the same works, and queues before those that close a road."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape, quoteattr

from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.happenings import Closure
from feeds.sandbox.twins import Asked, Offer, Twin

# A situation is made anew every so often, so that a reader sees that somebody watches the road.
RENEWED_EVERY_S: Final = 600
_KNOWN_BEFORE_S: Final = 7 * 86_400

_HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<d2:payload xmlns:d2="http://datex2.eu/schema/3/d2Payload" xmlns:com="http://datex2.eu/schema/3/common"
  xmlns:loc="http://datex2.eu/schema/3/locationReferencing" xmlns:sit="http://datex2.eu/schema/3/situation"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" lang="en" modelBaseVersion="3" xsi:type="sit:SituationPublication">
  <com:publicationTime>{published}</com:publicationTime>
  <com:publicationCreator>
    <com:country>gb</com:country>
    <com:nationalIdentifier>SANDBOX</com:nationalIdentifier>
  </com:publicationCreator>
"""
_SITUATION: Final = """  <sit:situation id={id}>
    <sit:overallSeverity>{severity}</sit:overallSeverity>
    <sit:headerInformation>
      <com:confidentiality>noRestriction</com:confidentiality>
      <com:informationStatus>real</com:informationStatus>
    </sit:headerInformation>
{records}  </sit:situation>
"""
_RECORD: Final = """    <sit:situationRecord id={id} version="{version}" xsi:type="sit:{sort}">
      <sit:situationRecordCreationTime>{created}</sit:situationRecordCreationTime>
      <sit:situationRecordVersionTime>{versioned}</sit:situationRecordVersionTime>
      <sit:probabilityOfOccurrence>certain</sit:probabilityOfOccurrence>
      <sit:severity>{severity}</sit:severity>
      <sit:source>
        <com:sourceName><com:values><com:value lang="en">SANDBOX roads</com:value></com:values></com:sourceName>
      </sit:source>
      <sit:validity>
        <com:validityStatus>definedByValidityTimeSpec</com:validityStatus>
        <com:validityTimeSpecification>
          <com:overallStartTime>{start}</com:overallStartTime>
          <com:overallEndTime>{end}</com:overallEndTime>
        </com:validityTimeSpecification>
      </sit:validity>
      <sit:generalPublicComment>
        <sit:comment><com:values><com:value lang="en">{comment}</com:value></com:values></sit:comment>
      </sit:generalPublicComment>
      <sit:locationReference xsi:type="loc:PointLocation">
        <loc:pointByCoordinates>
          <loc:pointCoordinates>
            <loc:latitude>{latitude:.6f}</loc:latitude>
            <loc:longitude>{longitude:.6f}</loc:longitude>
          </loc:pointCoordinates>
        </loc:pointByCoordinates>
      </sit:locationReference>
{subject}    </sit:situationRecord>
"""


def build_situations(city: City, view: View, asked: Asked) -> bytes:
    """All works known by now, each a situation; where works close the road, with a queue before them."""
    parts = [_HEAD.format(published=_text(view.published_s))]
    for closure in city.happenings.list_closures(view.at_s, days_before=0, days_after=7):
        parts += [_situation(closure, view)] * (2 if view.duplicated else 1)
    return "".join([*parts, "</d2:payload>\n"]).encode()


def _situation(closure: Closure, view: View) -> str:
    severity = "high" if closure.full else "low"
    what = "is closed for works" if closure.full else "has one lane, with signals, for works"
    records = [
        _record(
            closure,
            view,
            number=1,
            sort="Roadworks" if view.drifted else "MaintenanceWorks",
            severity=severity,
            comment=f"{closure.road} {what} (SANDBOX).",
            subject="      <sit:roadMaintenanceType>maintenanceWork</sit:roadMaintenanceType>\n",
        )
    ]
    if closure.full and closure.starts_s <= view.at_s < closure.ends_s:
        records.append(
            _record(
                closure,
                view,
                number=2,
                sort="AbnormalTraffic",
                severity="medium",
                comment=f"Queue before the works on {closure.road} (SANDBOX).",
                subject="      <sit:abnormalTrafficType>queuingTraffic</sit:abnormalTrafficType>\n",
            )
        )
    return _SITUATION.format(id=quoteattr(f"SANDBOX-{closure.number}"), severity=severity, records="".join(records))


def _record(closure: Closure, view: View, *, number: int, sort: str, severity: str, comment: str, subject: str) -> str:
    renewals = view.at_s // RENEWED_EVERY_S
    versioned_s = renewals * RENEWED_EVERY_S + view.shift_s
    return _RECORD.format(
        id=quoteattr(f"SANDBOX-{closure.number}-{number}"),
        version=renewals % 1_000_000,
        sort=sort,
        created=_text(min(closure.told_s(_KNOWN_BEFORE_S), view.at_s)),
        versioned=_text(versioned_s),
        severity=severity,
        start=_text(closure.starts_s),
        end=_text(closure.ends_s),
        comment=escape(comment),
        latitude=closure.latitude,
        longitude=closure.longitude,
        subject=subject,
    )


def _text(moment_s: int) -> str:
    return to_utc(moment_s).strftime("%Y-%m-%dT%H:%M:%SZ")


TWIN = Twin(
    "datex2",
    (Offer("/roads/datex2", "application/xml", build_situations, "DATEX II 3 situations: the works, and queues"),),
    feeds="""
- name: road_situations
  title: Road situations
  adapter: datex2
  url: "{base}/roads/datex2"
  supplier: SANDBOX roads
  every_s: 60
  # Situations are made anew every ten minutes.
  ageing_after_s: 900
  stale_after_s: 1800
""",
)
