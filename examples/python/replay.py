"""Prints all events so far, over HTTP, with Python's standard library alone.

    python3 replay.py http://localhost:8088                         # of all contexts, then ends
    python3 replay.py http://localhost:8088 --context bookrent.rent # of one context
    python3 replay.py http://localhost:8088 --follow                # then what happens (server-sent events)

One line an event. With `--follow` it resumes after a broken connection, by `Last-Event-ID`.
"""

import argparse
import json
import re
import sys
import time
import urllib.error
import urllib.request


def pages(server, path, cursor):
    """Prints every event from `cursor` on, and returns the cursor that follows."""
    url = f"{path}?from={cursor}&limit=1000"
    while True:
        with urllib.request.urlopen(server + url) as answer:
            events = json.load(answer)
            url = re.match(r'<(.*)>; rel="next"', answer.headers["Link"]).group(1)
        if not events:
            return re.search(r"from=([^&]*)", url).group(1)
        for event in events:
            print(json.dumps(event), flush=True)


def follow(server, path, cursor):
    """Prints events as they happen."""
    last = None
    while True:
        try:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
            request = urllib.request.Request(f"{server}{path}?from={cursor}", headers=headers)
            with urllib.request.urlopen(request, timeout=60) as stream:
                fields = {}
                for line in stream:
                    field, _, value = line.decode().rstrip("\n").partition(": ")
                    if field:
                        fields[field] = value
                    elif "data" in fields:
                        if fields.get("event") == "reset":
                            # The server's data was restored from a backup: its events come from the beginning.
                            print("the history has changed:", fields["data"], file=sys.stderr, flush=True)
                        else:
                            print(fields["data"], flush=True)
                        last, fields = fields["id"], {}
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(3)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--context")
    parser.add_argument("--from", dest="cursor", default="")
    parser.add_argument("--follow", action="store_true")
    options = parser.parse_args()
    path = f"/events/{options.context}" if options.context else "/events"
    cursor = pages(options.server, path, options.cursor)
    if options.follow:
        follow(options.server, path, cursor)


if __name__ == "__main__":
    main()
