"""Sends a command over RabbitMQ and prints its reply: what HTTP does with a request.

    pip install pika
    python3 command.py --amqp amqp://guest:guest@localhost:5672/%2f bookrent.rent POST /bookrent/rents \\
        '{"bookId": 1, "userId": 1, "address": "address1"}'

The server needs `[amqp] commands = true`. The same message id is the same command: sent again, by the broker or by a client
that got no reply, it has one effect and the same answer. So give each command an id, keep the id until the reply is there,
and repeat the command with it when no reply comes.
"""

import argparse
import json
import sys
import time
import uuid

import pika
import pika.exceptions

EXCHANGE = "holdfast.commands"


def command(url, context, method, path, body, name, patience):
    """Sends one command and waits `patience` seconds for its reply: properties and body."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        channel = connection.channel()
        replies = []
        # RabbitMQ's direct reply-to: replies come to this channel, and no queue is left over.
        here = "amq.rabbitmq.reply-to"
        channel.basic_consume(here, lambda _, __, properties, text: replies.append((properties, text)), auto_ack=True)
        channel.confirm_delivery()
        properties = pika.BasicProperties(
            content_type="application/json",
            delivery_mode=2,
            message_id=name,
            correlation_id=name,
            reply_to=here,
            headers={"method": method, "path": path},
        )
        # Mandatory: a command for a context that no node hosts is an error, not silence.
        channel.basic_publish(EXCHANGE, context, json.dumps(body), properties, mandatory=True)
        until = time.monotonic() + patience
        while time.monotonic() < until:
            connection.process_data_events(time_limit=0.1)
            for properties, text in replies:
                if properties.correlation_id == name:
                    return properties, text
            replies.clear()
        return None
    finally:
        if connection.is_open:
            connection.close()


def reason(why, context):
    """Why a command was not sent, and what may help."""
    if isinstance(why, pika.exceptions.ChannelClosedByBroker) and why.reply_code == 404:
        return f"{why.reply_text}: no server has taken commands here; start one with `amqp.commands = true`"
    if isinstance(why, pika.exceptions.UnroutableError):
        return f"no server takes commands for {context}"
    return repr(why)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--amqp", default="amqp://guest:guest@localhost:5672/%2f")
    parser.add_argument("--id", default=None, help="the id of a command that was sent before")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds for each try")
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("context", help="bookrent.rent")
    parser.add_argument("method", help="POST, PATCH or DELETE")
    parser.add_argument("path", help="as in the API document: /bookrent/rents/7")
    parser.add_argument("body", nargs="?", default="null")
    options = parser.parse_args()
    name = options.id or str(uuid.uuid4())
    body = json.loads(options.body)
    for _ in range(options.tries):
        pause = 1.0
        try:
            reply = command(options.amqp, options.context, options.method, options.path, body, name, options.patience)
        except (pika.exceptions.AMQPError, OSError) as why:
            print(f"{reason(why, options.context)}; trying again", file=sys.stderr)
            reply = None
        if reply:
            properties, text = reply
            status = properties.headers["status"]
            if status != 503:
                print(status, text.decode())
                sys.exit(0 if status < 400 else 1)
            pause = float(properties.headers.get("retry-after", 1))
        time.sleep(pause)
    sys.exit(f"no reply; repeat with --id {name}")


if __name__ == "__main__":
    main()
