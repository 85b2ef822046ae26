"""Hears every event once and in order: a durable queue at RabbitMQ, and the HTTP history for what went by before it.

    pip install pika
    python3 listen.py --amqp amqp://guest:guest@localhost:5672/%2f --bind 'bookrent.#' --seen seen.json

Each event is delivered at least once, and events of one source come in the order of their sequence, except that one may
come again, and that one which went by while no queue was bound never comes. So: remember the last sequence of each
source; what is not above it was had before; what leaves a gap is fetched over HTTP first (`--history`).
"""

import argparse
import json
import os
import urllib.request

import pika

EXCHANGE = "holdfast.events"


def attribute(headers, name):
    """Publishers differ in what stands before the names of CloudEvents attributes."""
    for prefix in ("cloudEvents:", "cloudEvents_", "ce-", ""):
        if prefix + name in headers:
            return headers[prefix + name]
    return None


class Seen:
    """The last sequence of each source, in a file that is replaced as a whole."""

    def __init__(self, path):
        self.path = path
        self.last = json.load(open(path)) if os.path.exists(path) else {}

    def set(self, source, sequence):
        self.last[source] = sequence
        with open(self.path + ".new", "w") as file:
            json.dump(self.last, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)


def handle(source, sequence, kind, data):
    """What the consumer is there for. In earnest, its effect and `Seen` belong into one transaction."""
    print(json.dumps({"source": source, "id": sequence, "type": kind, "data": data}), flush=True)


def catch_up(history, seen, source, until):
    """Handles what is missing of `source` before the sequence `until`."""
    context = source.strip("/").replace("/", ".")
    while (start := seen.last.get(source, 0) + 1) < until:
        with urllib.request.urlopen(f"{history}/events/{context}?from={start}&limit=1000") as answer:
            events = [event for event in json.load(answer) if int(event["id"]) < until]
        if not events:
            return
        for event in events:
            handle(source, int(event["id"]), event["type"], event["data"])
            seen.set(source, int(event["id"]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--amqp", required=True)
    parser.add_argument("--history", help="the server, for what was missed: http://localhost:8088")
    parser.add_argument("--queue", default="example")
    parser.add_argument("--bind", default="#")
    parser.add_argument("--seen", default="seen.json")
    options = parser.parse_args()
    seen = Seen(options.seen)

    channel = pika.BlockingConnection(pika.URLParameters(options.amqp)).channel()
    channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 20}
    channel.queue_declare(options.queue, durable=True, arguments=arguments)
    channel.queue_bind(options.queue, EXCHANGE, options.bind)
    channel.basic_qos(prefetch_count=64)

    def on_event(channel, method, properties, body):
        headers = properties.headers or {}
        source, sequence = attribute(headers, "source"), int(attribute(headers, "id"))
        # A queue that is bound with a narrower key has gaps that are none.
        if options.history and sequence > seen.last.get(source, 0) + 1:
            catch_up(options.history, seen, source, sequence)
        if sequence > seen.last.get(source, 0):
            handle(source, sequence, attribute(headers, "type"), json.loads(body))
            seen.set(source, sequence)
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(options.queue, on_event)
    channel.start_consuming()


if __name__ == "__main__":
    main()
