"""Replays a transcript with a client that openapi-python-client has generated.

    generated_client.py SERVER DOCUMENT PACKAGE < TRANSCRIPT

The transcript is lines for HTTPie, `http POST :8088/books title=title01`. Prints one line for each answer: its status, and
the typed model that the client made of it, as JSON again.
"""

import importlib
import json
import re
import sys
import typing
from pathlib import Path

server, document, package = sys.argv[1:]
sys.path.insert(0, str(Path(package).parent))
package = Path(package).name
Client = importlib.import_module(f"{package}.client").Client
client = Client(base_url=server)
paths = json.loads(Path(document).read_text())["paths"]


def snake(name):
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower())


def operation(method, path):
    """The function for a request, and the values of its path's parameters by name."""
    found = []
    for template, operations in paths.items():
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
        match = re.fullmatch(pattern, path)
        if match and method.lower() in operations:
            found.append((len(match.groupdict()), template, operations[method.lower()], match.groupdict()))
    _, _, described, values = min(found, key=lambda one: one[:2])
    module = f"{package}.api.{snake(described['tags'][0])}.{snake(described['operationId'])}"
    return importlib.import_module(module).sync_detailed, values


def typed(kind, value):
    """The value of a parameter: a number, or one of an enumeration."""
    kinds = typing.get_args(kind) or (kind,)
    return int(value) if int in kinds else kinds[0](value)


def plain(value):
    return int(value) if value.isdigit() else {"true": True, "false": False}.get(value, value)


def body(kind, fields):
    """The body, by the first model that takes it."""
    wrong = []
    for model in typing.get_args(kind) or (kind,):
        try:
            return model.from_dict(fields)
        except Exception as why:
            wrong.append(why)
    raise SystemExit(f"no model takes {fields}: {wrong}")


for line in sys.stdin:
    _, method, target, *items = line.split()
    function, values = operation(method, target.removeprefix(":8088"))
    kinds = typing.get_type_hints(function)
    arguments = {name: typed(kinds[name], value) for name, value in values.items()}
    if items:
        arguments["body"] = body(kinds["body"], {name: plain(value) for name, value in (item.split("=") for item in items)})
    answer = function(**arguments, client=client)
    assert answer.parsed is not None, f"{line}: {answer.status_code} is not in the document"
    print(json.dumps({"status": answer.status_code, "body": answer.parsed.to_dict()}), flush=True)
