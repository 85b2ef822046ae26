"""Prints all events so far, over HTTP, with Python's standard library alone.

    python3 replay.py http://localhost:8088                         # of all contexts, then ends
    python3 replay.py http://localhost:8088 --context bookrent.rent # of one context
    python3 replay.py http://localhost:8088 --follow                # then what happens (server-sent events)

One line an event. With `--follow` it resumes after a broken connection, by `Last-Event-ID`. Of a gateway, which has no log
of all contexts, it reads the log of each.
"""

import argparse
import json
import re
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request


def show(event):
    """Prints a line, in one piece where several logs are followed."""
    sys.stdout.write(event + "\n")
    sys.stdout.flush()


def logs(server):
    """The URLs of the logs: one for all contexts, or of a gateway one for each."""
    url = f"{server}/events"
    with urllib.request.urlopen(f"{url}?limit=1") as answer:
        first = json.load(answer)
    if isinstance(first, list):
        return [url]
    return [link["href"] for context, link in first["_links"].items() if context != "self"]


def pages(log, cursor):
    """Prints every event from `cursor` on, and returns the cursor that follows."""
    url = f"{log}?from={cursor}&limit=1000"
    while True:
        with urllib.request.urlopen(url) as answer:
            events = json.load(answer)
            following = re.match(r'<(.*)>; rel="next"', answer.headers["Link"]).group(1)
        url = urllib.parse.urljoin(url, following)
        if not events:
            return re.search(r"from=([^&]*)", url).group(1)
        for event in events:
            show(json.dumps(event))


def follow(log, cursor):
    """Prints events as they happen."""
    last = None
    while True:
        try:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
            request = urllib.request.Request(f"{log}?from={cursor}", headers=headers)
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
                            show(fields["data"])
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
    server = options.server.rstrip("/")
    try:
        all_logs = [f"{server}/events/{options.context}"] if options.context else logs(server)
        cursors = [(log, pages(log, options.cursor)) for log in all_logs]
    except urllib.error.HTTPError as why:
        sys.exit(f"{why.url}: {why.read().decode()}")
    except urllib.error.URLError as why:
        sys.exit(f"{server}: {why.reason}")
    if options.follow:
        followers = [threading.Thread(target=follow, args=cursor, daemon=True) for cursor in cursors]
        for follower in followers:
            follower.start()
        for follower in followers:
            follower.join()


if __name__ == "__main__":
    main()
