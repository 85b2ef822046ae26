"""Replays what has happened, over HTTP alone, with Python's own library.

    python3 replay.py http://localhost:8088                         # all contexts, then ends
    python3 replay.py http://localhost:8088 --context bookrent.rent # one of them
    python3 replay.py http://localhost:8088 --follow                # and goes on with what happens (server-sent events)

It prints one event a line. With `--follow` it takes up after a broken connection where it was, by `Last-Event-ID`.
"""

import argparse
import json
import re
import sys
import time
import urllib.error
import urllib.request


def pages(server, path, cursor):
    """Every event from `cursor` on, and at the end where to go on."""
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
    """What happens, for as long as it happens."""
    last = None
    while True:
        try:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
            request = urllib.request.Request(f"{server}{path}?from={cursor}", headers=headers)
            with urllib.request.urlopen(request, timeout=60) as stream:
                told = {}
                for line in stream:
                    field, _, value = line.decode().rstrip("\n").partition(": ")
                    if field:
                        told[field] = value
                    elif "data" in told:
                        if told.get("event") == "reset":
                            # The server's data was put back from a copy: what follows begins anew.
                            print("the history has changed:", told["data"], file=sys.stderr, flush=True)
                        else:
                            print(told["data"], flush=True)
                        last, told = told["id"], {}
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
