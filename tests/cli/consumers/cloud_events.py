"""Reads the events of a server with the CloudEvents SDK for Python: all pages, then as many from a stream.

Prints one line for each: how it came, its source, id, type, subject, time and data.
"""

import json
import re
import sys
import urllib.request

from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}


def show(way, event):
    attributes = event.get_attributes()
    print(json.dumps({
        "way": way,
        **{name: attributes[name] for name in ("source", "id", "type", "subject")},
        "time": attributes["time"].isoformat(),
        "extensions": sorted(set(attributes) - {
            "specversion", "source", "id", "type", "subject", "time", "dataschema", "datacontenttype"}),
        "data": event.get_data(),
    }))


def pages(server):
    url = "/events?limit=5"
    while True:
        with urllib.request.urlopen(server + url) as answer:
            assert answer.headers["Content-Type"].startswith("application/cloudevents-batch+json")
            batch = json.load(answer)
            url = re.match(r'<(.*)>; rel="next"', answer.headers["Link"]).group(1)
        if not batch:
            return
        for event in batch:
            yield JSONFormat().read(CloudEvent, json.dumps(event))


def stream(server, count):
    request = urllib.request.Request(server + "/events", headers={"Accept": "text/event-stream"})
    with urllib.request.urlopen(request, timeout=60) as lines:
        for line in lines:
            if not line.startswith(b"data: "):
                continue
            yield from_structured_event(HTTPMessage(headers=STRUCTURED, body=line[len(b"data: "):].rstrip()))
            count -= 1
            if count == 0:
                return


count = 0
for event in pages(sys.argv[1]):
    show("page", event)
    count += 1
for event in stream(sys.argv[1], count):
    show("stream", event)
