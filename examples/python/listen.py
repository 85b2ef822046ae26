"""Prints every event once and in order: first the history over HTTP, then what happens from a durable queue at RabbitMQ.

    pip install pika
    python3 listen.py --amqp amqp://guest:guest@localhost:5672/%2f --history http://localhost:8088
    python3 listen.py --bind 'bookrent.rent.#' --heard heard.sqlite

RabbitMQ delivers each event at least once, and events of one source in the order of their sequence. Two things can go wrong:
an event comes again, and an event that happened while no queue was bound never comes. So this consumer remembers the last
event of each source. It drops what is not after it, and fetches a gap over HTTP (`--history`).

An id is unique for ever; the part before its last `-` changes with each start of the source. After such a change the history
tells whether the new events follow the old ones: a source that was restored from a backup answers 409.

The order needs a queue with a single active consumer. Otherwise RabbitMQ may give a consumer that reconnects later events
before the ones that it had not acknowledged.
"""

import argparse
import json
import re
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pika
import pika.exceptions

EXCHANGE = "holdfast.events"


def attribute(headers, name):
    """A CloudEvents attribute. Publishers put different prefixes before the names."""
    for prefix in ("cloudEvents:", "cloudEvents_", "ce-", ""):
        if prefix + name in headers:
            return headers[prefix + name]
    return None


def pattern(bind):
    """The routing keys that a topic exchange would route to a queue bound with `bind`."""
    words = [{"#": r".*", "*": r"[^.]+"}.get(word, re.escape(word)) for word in bind.split(".")]
    return re.compile(r"\.".join(words).replace(r"\..*", r"(\..*)?").replace(r".*\.", r"(.*\.)?"))


class Heard:
    """The events that were processed, and the last one of each source. An effect and its position are one transaction,
    so that nothing takes effect twice."""

    def __init__(self, path, bind="#"):
        self.wanted = pattern(bind)
        self.base = sqlite3.connect(path)
        self.base.execute("CREATE TABLE IF NOT EXISTS places (source TEXT PRIMARY KEY, last INTEGER, id TEXT)")
        self.base.execute("CREATE TABLE IF NOT EXISTS events (source TEXT, sequence INTEGER, type TEXT, data TEXT)")

    def place(self, source):
        """Sequence and id of the last event."""
        row = self.base.execute("SELECT last, id FROM places WHERE source = ?", (source,)).fetchone()
        return row or (0, None)

    def positions(self):
        """The position in the log of each context."""
        places = self.base.execute("SELECT source, id FROM places ORDER BY source")
        return {context(source): position(name) for source, name in places}

    def take(self, source, sequence, name, kind, data):
        """Processes an event, unless it was processed before."""
        if sequence <= self.place(source)[0]:
            return
        # A type is `io.holdfast.{system}.{context}.{Event}.v1`.
        wanted = self.wanted.fullmatch(".".join(kind.split(".")[2:5]))
        with self.base:
            if wanted:
                # The effect: the work that a consumer is there for.
                self.base.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (source, sequence, kind, json.dumps(data)))
            self.base.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", (source, sequence, name))
        if wanted:
            show(source, sequence, kind, data)


def show(source, sequence, kind, data):
    print(json.dumps({"source": source, "sequence": sequence, "type": kind, "data": data}), flush=True)


def context(source):
    """`/bookrent/rent` is `bookrent.rent`, also after the name of an installation: `/seoul/bookrent/rent`."""
    return ".".join(source.strip("/").split("/")[-2:])


def position(name):
    """The cursor after the event `name`. Ids of the first epoch have no epoch: `7` is written `0-7`."""
    return name if "-" in name else f"0-{name}"


def epoch(name):
    """The part of an id that changes with each start of the source; none in the first epoch."""
    return name.rpartition("-")[0] if name else None


def page(url):
    """A page of events, and the URL of the next one. A gateway has no page of all events: it links to those of each
    context, and there is no next one."""
    try:
        with urllib.request.urlopen(url) as answer:
            link = re.match(r'<(.*)>; rel="next"', answer.headers["Link"] or "")
            return json.load(answer), urllib.parse.urljoin(url, link.group(1)) if link else None
    except urllib.error.HTTPError as why:
        if why.code == 409:
            sys.exit("the history is another than the one that was processed: start again with another --heard")
        raise


def take_all(history, heard):
    """Processes everything that happened so far, of all sources."""
    positions = heard.positions()
    cursor = ",".join(f"{context}:{name}" for context, name in positions.items())
    urls = [f"{history}/events?from={cursor}&limit=1000"]
    while urls:
        events, following = page(urls.pop())
        if not following:
            contexts = [context for context in events["_links"] if context != "self"]
            urls = [f"{history}/events/{each}?from={positions.get(each, '')}&limit=1000" for each in contexts]
        elif events:
            for event in events:
                heard.take(event["source"], int(event["sequence"]), event["id"], event["type"], event["data"])
            urls.append(following)


def fill_gap(history, heard, source, until):
    """Processes the events of `source` that are missing before the sequence `until`."""
    while True:
        last, name = heard.place(source)
        start = position(name) if name else 1
        events, _ = page(f"{history}/events/{context(source)}?from={start}&limit=1000")
        events = [event for event in events if int(event["sequence"]) < until]
        if last + 1 >= until or not events:
            return
        for event in events:
            heard.take(source, int(event["sequence"]), event["id"], event["type"], event["data"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--amqp", default="amqp://guest:guest@localhost:5672/%2f")
    parser.add_argument("--history", help="the server, for events from before: http://localhost:8088")
    parser.add_argument("--queue", default="listen")
    parser.add_argument("--quorum", action="store_true", help="a replicated queue, where the broker has several nodes")
    parser.add_argument("--bind", default="#", help="which events: 'bookrent.rent.#'")
    parser.add_argument("--heard", default="heard.sqlite", help="the file that remembers what was processed")
    parser.add_argument("--show", action="store_true", help="print what was processed, and end")
    options = parser.parse_args()
    heard = Heard(options.heard, options.bind)
    if options.show:
        for source, sequence, kind, data in heard.base.execute("SELECT * FROM events ORDER BY rowid"):
            show(source, sequence, kind, json.loads(data))
        return
    while True:
        try:
            with pika.BlockingConnection(pika.URLParameters(options.amqp)) as connection:
                listen(connection.channel(), options, heard)
        except (pika.exceptions.AMQPError, OSError) as why:
            print(f"{why!r}: reconnecting", file=sys.stderr)
        time.sleep(1)


def listen(channel, options, heard):
    """Processes the history, then the queue, until the connection breaks."""
    channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
    arguments = {"x-single-active-consumer": True}
    if options.quorum:
        arguments |= {"x-queue-type": "quorum", "x-delivery-limit": 20}
    channel.queue_declare(options.queue, durable=True, arguments=arguments)
    channel.queue_bind(options.queue, EXCHANGE, options.bind)
    channel.basic_qos(prefetch_count=64)
    # The queue is bound first, so that nothing falls between history and queue.
    if options.history:
        take_all(options.history, heard)

    def on_event(channel, method, properties, body):
        headers = properties.headers or {}
        source, sequence = attribute(headers, "source"), int(attribute(headers, "sequence"))
        name, (last, known) = attribute(headers, "id"), heard.place(source)
        # With a narrow --bind most gaps are events that were not asked for; the history tells.
        if options.history and (sequence > last + 1 or (sequence > last and epoch(name) != epoch(known))):
            fill_gap(options.history, heard, source, sequence)
        heard.take(source, sequence, name, attribute(headers, "type"), json.loads(body))
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(options.queue, on_event)
    channel.start_consuming()


if __name__ == "__main__":
    main()
