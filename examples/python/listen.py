"""Hears every event once and in order: a durable queue at RabbitMQ, and the HTTP history for what went by before it.

    pip install pika
    python3 listen.py --amqp amqp://guest:guest@localhost:5672/%2f --bind 'bookrent.#' --heard heard.sqlite

Each event is delivered at least once, and events of one source come in the order of their sequence, except that one may
come again, and that one which went by while no queue was bound never comes. So: remember the last event of each source;
what is not above its sequence was had before; what leaves a gap is fetched over HTTP first (`--history`). An id names its
event for ever; all before its last `-` changes with each start of the source. Then the history says whether what comes now
follows what was had: a source that was put back from a copy answers 409.

The order holds because the queue has a single active consumer. Without that, a consumer that comes back sooner than the
broker has noticed that it was gone gets later events, and behind them those that it had been given and had not acknowledged.
"""

import argparse
import json
import sqlite3
import sys
import time
import urllib.error
import urllib.request

import pika
import pika.exceptions

EXCHANGE = "holdfast.events"


def attribute(headers, name):
    """Publishers differ in what stands before the names of CloudEvents attributes."""
    for prefix in ("cloudEvents:", "cloudEvents_", "ce-", ""):
        if prefix + name in headers:
            return headers[prefix + name]
    return None


class Heard:
    """What has been heard, and how far. Effect and place are one transaction, so that nothing is done twice."""

    def __init__(self, path):
        self.base = sqlite3.connect(path)
        self.base.execute("CREATE TABLE IF NOT EXISTS places (source TEXT PRIMARY KEY, last INTEGER, id TEXT)")
        self.base.execute("CREATE TABLE IF NOT EXISTS events (source TEXT, sequence INTEGER, type TEXT, data TEXT)")

    def last(self, source):
        return self.place(source)[0]

    def place(self, source):
        """The last event's sequence and its id, which names its epoch."""
        row = self.base.execute("SELECT last, id FROM places WHERE source = ?", (source,)).fetchone()
        return row or (0, None)

    def take(self, source, sequence, name, kind, data):
        if sequence <= self.last(source):
            return  # It comes again.
        with self.base:
            # The effect: what the consumer is there for.
            self.base.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (source, sequence, kind, json.dumps(data)))
            self.base.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", (source, sequence, name))


def epoch(name):
    """All of an id before its last `-`; nothing in what was written before there were epochs."""
    return name.rpartition("-")[0] if name else None


def catch_up(history, heard, source, until):
    """Takes what is missing of `source` before the sequence `until`."""
    context = source.strip("/").replace("/", ".")
    while True:
        last, name = heard.place(source)
        # Behind that very event: `0-7` is the one that is called `7`.
        start = (name if "-" in name else f"0-{name}") if name else 1
        try:
            with urllib.request.urlopen(f"{history}/events/{context}?from={start}&limit=1000") as answer:
                events = [event for event in json.load(answer) if int(event["sequence"]) < until]
        except urllib.error.HTTPError as why:
            if why.code != 409:
                raise
            sys.exit(f"{source} has another past than what was heard: begin anew, with another --heard")
        if last + 1 >= until or not events:
            return
        for event in events:
            heard.take(source, int(event["sequence"]), event["id"], event["type"], event["data"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--amqp", default="amqp://guest:guest@localhost:5672/%2f")
    parser.add_argument("--history", help="the server, for what was missed: http://localhost:8088")
    parser.add_argument("--queue", default="listen")
    parser.add_argument("--quorum", action="store_true", help="a replicated queue, where the broker has several nodes")
    parser.add_argument("--bind", default="#")
    parser.add_argument("--heard", default="heard.sqlite")
    parser.add_argument("--show", action="store_true", help="print what has been heard, and end")
    options = parser.parse_args()
    heard = Heard(options.heard)
    if options.show:
        for source, sequence, kind, data in heard.base.execute("SELECT * FROM events ORDER BY rowid"):
            print(json.dumps({"source": source, "sequence": sequence, "type": kind, "data": json.loads(data)}))
        return
    while True:
        try:
            with pika.BlockingConnection(pika.URLParameters(options.amqp)) as connection:
                listen(connection.channel(), options, heard)
        except (pika.exceptions.AMQPError, OSError) as why:
            print(f"{type(why).__name__}: once more", file=sys.stderr)
        time.sleep(1)


def listen(channel, options, heard):
    """Listens for as long as the connection stands."""
    channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
    arguments = {"x-single-active-consumer": True}
    if options.quorum:
        arguments |= {"x-queue-type": "quorum", "x-delivery-limit": 20}
    channel.queue_declare(options.queue, durable=True, arguments=arguments)
    channel.queue_bind(options.queue, EXCHANGE, options.bind)
    channel.basic_qos(prefetch_count=64)

    def on_event(channel, method, properties, body):
        headers = properties.headers or {}
        source, sequence = attribute(headers, "source"), int(attribute(headers, "sequence"))
        name, (last, known) = attribute(headers, "id"), heard.place(source)
        # A queue that is bound with a narrower key has gaps that are none.
        if options.history and (sequence > last + 1 or (sequence > last and epoch(name) != epoch(known))):
            catch_up(options.history, heard, source, sequence)
        heard.take(source, sequence, name, attribute(headers, "type"), json.loads(body))
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(options.queue, on_event)
    channel.start_consuming()


if __name__ == "__main__":
    main()
