#!/usr/bin/env python3
"""Makes a data directory as a release leaves it behind, and writes down what that release has acknowledged.

All six systems run in one server with a small store, so that it has runs that were merged. Seats come in mixed case and in
both normal forms, idempotency keys are as long as they may be, tickets wait for their end, bikes are out, rides are unpaid,
orders are asked about but not answered; and in the middle of all that it is killed. `tests/store/release` opens what is left.

    cargo build && tests/store/make_release_data.py target/debug/holdfast tests/golden/data-0.1.0

writes tests/golden/data-0.1.0.tar.xz and tests/golden/data-0.1.0.json.xz. Each release adds its own; none is ever made anew.
"""

import argparse
import collections
import http.client
import itertools
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
import urllib.parse

CONFIG = """
[store]
unwritten_mb = 1

# Orders that are asked about when the server is killed have not been given up before.
[guard."bookrent.book"]
timeout_ms = 300000
[guard."purifier.payment"]
timeout_ms = 300000
[guard."ebook.payment"]
timeout_ms = 300000
[guard."movie.payment"]
timeout_ms = 300000
[guard."ticketing.ticket"]
timeout_ms = 300000
[guard."gbike.bike"]
timeout_ms = 300000
# Whoever asks in vain may do so as often as they like.
[guard."movie.point"]
breaker_minimum = 100000
breaker_window = 100000
"""

SLOW = ["gbike.bike", "bookrent.book", "purifier.payment", "ebook.payment", "movie.payment", "ticketing.ticket"]
# Customers from here on came while the server was about to be killed.
LATE = 9000
LOADERS = 6
# Rents up to here are not touched by then.
RENTS = 100
# Rides of one customer that nobody has paid for, and prints of one ticket for which there were no points.
UNPAID = 460
VAIN = 340
SHOW = "2031-05-01T19:30:00+09:00"
KEY_LENGTH = 255


class Server:
    """The server, and everything that it was asked and has answered."""

    def __init__(self, binary, directory):
        self.data = os.path.join(directory, "data")
        config = os.path.join(directory, "holdfast.toml")
        with open(config, "w") as file:
            file.write(CONFIG)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
        self.log = open(os.path.join(directory, "log"), "w")
        self.process = subprocess.Popen(
            [binary, "serve", "--config", config, "--data", self.data, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment,
        )
        self.address = self.process.stdout.readline().strip().removeprefix("listening on http://").rstrip("/")
        self.local = threading.local()
        self.lock = threading.Lock()
        self.acknowledged, self.cut_off = [], []
        self.names = itertools.count(1)
        until(lambda: self.call("GET", "/readyz")[0] == 200, "the server is ready")

    def call(self, method, path, body=None, key=None):
        """Status, body and ETag; raises an OSError or HTTPException when there is no answer."""
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection(self.address, timeout=120)
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = f'"{key}"'
        try:
            self.local.connection.request(method, urllib.parse.quote(path, safe="/?=&%:,"), text_of(body), headers)
            answer = self.local.connection.getresponse()
            said = answer.read()
        except BaseException:
            self.local.connection.close()
            del self.local.connection
            raise
        try:
            said = json.loads(said) if said else None
        except ValueError:
            said = said.decode()
        if isinstance(said, dict):
            said.pop("_links", None)
        return answer.status, said, answer.headers["ETag"]

    def ask(self, method, path, body=None, fine=(200, 201, 204), long=False):
        """A command under a key of its own; says what it was answered, or None when nothing was acknowledged."""
        key = f"key-{next(self.names)}"
        if long:
            key = key + "-" + "k" * (KEY_LENGTH - len(key) - 1)
        # A repeat is one to the letter.
        wish = {"method": method, "path": path, "key": key, "body": body and text_of(body).decode()}
        try:
            status, said, _ = self.call(method, path, body, key)
        except (OSError, http.client.HTTPException):
            with self.lock:
                self.cut_off.append(wish)
            return None
        if status == 202 or status >= 500:
            with self.lock:
                self.cut_off.append(wish)
            assert status in fine or status == 202, (wish, status, said)
            return None
        assert status in fine, (wish, status, said)
        if status == 409 and said["code"] == "still-open":
            return None  # That is true of the moment, and not kept.
        with self.lock:
            self.acknowledged.append({**wish, "status": status, "answer": said})
        return said

    def admin(self, method, path, body=None):
        status, said, _ = self.call(method, "/admin/" + path, body)
        assert status < 300, (path, status, said)
        return said

    def contexts(self):
        return self.admin("GET", "contexts")["contexts"]

    def quiet(self, waiting=0):
        """Waits until nothing moves any more in the contexts that run, but orders that wait for an answer."""
        before = None

        def still():
            nonlocal before
            running = [health for health in self.contexts() if health["state"] == "running"]
            busy = any(health["mailbox"] + health["backlog"] for health in running)
            busy = busy or sum(health["waiting"] for health in running) > waiting
            seen = [health["lastSequence"] for health in running]
            done = not busy and seen == before
            before = seen
            return done

        until(still, "nothing moves any more", pause=0.2)


def text_of(body):
    return None if body is None else json.dumps(body, ensure_ascii=False).encode()


def until(look, what, pause=0.05, patience=120):
    begun = time.monotonic()
    while True:
        try:
            if look():
                return
        except OSError:
            pass
        if time.monotonic() - begun > patience:
            sys.exit(f"it is still not so that {what}")
        time.sleep(pause)


def in_parallel(work, things, threads=8):
    """Calls `work` for each of the things, some at once."""
    things, failures = collections.deque(things), []

    def run():
        while not failures:
            try:
                thing = things.popleft()
            except IndexError:
                return
            try:
                work(thing)
            except BaseException as why:
                failures.append(why)

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]


class Listener(threading.Thread):
    """A consumer of everything over HTTP, until there is no server any more."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.events = server, {}
        self.start()

    def run(self):
        cursor = ""
        connection = http.client.HTTPConnection(self.server.address, timeout=120)
        try:
            while True:
                connection.request("GET", f"/events?limit=1000&from={cursor}")
                answer = connection.getresponse()
                events = json.loads(answer.read())
                cursor = re.search(r"[?&]from=([^&>]*)", answer.headers["Link"]).group(1)
                for event in events:
                    told = [event["id"], event["type"], event["subject"], event["time"], event["correlationid"], event["data"]]
                    self.events.setdefault(event["source"], []).append(told)
                if not events:
                    time.sleep(0.05)
        except (OSError, http.client.HTTPException, ValueError):
            pass


def folded(seat):
    """What makes two seats one, whatever a release thinks of that."""
    return unicodedata.normalize("NFC", seat).casefold().strip()


def bookrent(server):
    def register(number):
        # Long rows that compress well: they fill the store.
        title = f"book {number} " + "of a long series " * 60
        server.ask("POST", "/bookrent/books", {"title": title}, long=True)

    def rent(number):
        body = {"bookId": number, "userId": 100 + number % 40, "address": "서울시 " + "가나다라" * (number % 7)}
        said = server.ask("POST", "/bookrent/rents", body, long=number % 2 == 0)
        if number % 5 == 0:
            again = server.ask("POST", "/bookrent/rents", body)
            assert again["status"] == "Fail"
        if number % 3 == 0:
            server.ask("PATCH", f"/bookrent/rents/{said['id']}", {"status": "Cancel"})

    in_parallel(register, range(1, 1001))
    in_parallel(rent, range(1, 161))


def purifier(server):
    for number in range(1, 9):
        server.ask("POST", "/purifier/products", {"name": f"정수기 {number}", "amt": 30000, "stock": 3})

    def rent(number):
        product = number % 8 + 1
        body = {"customerId": 200 + number % 16, "productId": product, "amt": 30000, "address": "Busan",
                "phone": f"010-0000-{number:04}" if number % 2 else None}
        server.ask("POST", "/purifier/rentals", body, long=number % 3 == 0)

    # Five of each product for three that there are.
    in_parallel(rent, range(1, 41))
    server.quiet()
    placed = [entry for entry in listed(server, "/purifier/rentals") if entry["status"] == "RentalPlaced"]
    assert len(placed) == 24, placed
    for rental in placed[:6]:
        server.ask("PATCH", f"/purifier/rentals/{rental['id']}", {"status": "Cancel"})
    # Of another price than the claimed one, and of a product that there is not.
    server.ask("POST", "/purifier/rentals", {"customerId": 299, "productId": 1, "amt": 1, "address": "Busan"})
    server.ask("POST", "/purifier/rentals", {"customerId": 299, "productId": 77, "amt": 1, "address": "Busan"})


def ebook(server):
    for number in range(1, 31):
        server.ask("POST", "/ebook/books", {"bookName": f"책 {number}", "rentalFee": 3000}, long=True)

    def request(number):
        claimed = {"rentalFee": 3000} if number % 2 else {}
        body = {"userId": 300 + number % 10, "bookId": number, "bookName": f"책 {number}", **claimed}
        server.ask("POST", "/ebook/rents", body, long=True)

    in_parallel(request, range(1, 31))
    server.quiet()
    # Somebody comes too late for each third.
    in_parallel(request, range(1, 31, 3))
    server.quiet()
    for number in range(1, 21):
        server.ask("PATCH", f"/ebook/books/{'approve' if number % 4 else 'reject'}/{number}")
    server.quiet()
    rents = [rent for rent in listed(server, "/ebook/rents") if rent["status"] == "APPROVED"]
    assert len(rents) == 15, rents
    for rent in rents[:8]:
        server.ask("PATCH", f"/ebook/rents/return/{rent['id']}")


def movie(server):
    """Says which bookings hold which seats, as they were asked for."""
    row = ["1a", "1A", " 2b", "2B ", "3C", "가1", "나2", unicodedata.normalize("NFD", "가1"), unicodedata.normalize("NFD", "나2"), "é1", "e\u03011"]
    claims, orders = [], []

    def book(name, seat, showtime=SHOW, long=True):
        qty = len(seat.split(","))
        body = {"qty": qty, "movieName": name, "seat": seat, "totalPrice": 10000 * qty, "showtime": showtime}
        said = server.ask("POST", "/movie/books", body, long=long)
        claims.append({"id": said["id"], "body": body, "fold": [folded(name), sorted(map(folded, seat.split(",")))]})
        return said["id"]

    for name in ["Soul", "soul", "기생충", unicodedata.normalize("NFD", "기생충")]:
        for seat in row:
            book(name, seat)
    book("Soul", "7A,7B,7C", long=False)
    book("Soul", "8A,8a", long=False)
    refused = server.ask("POST", "/movie/books", {"qty": 1, "movieName": "Soul", "seat": "1a", "totalPrice": 10000, "showtime": SHOW}, fine=(409,), long=True)
    assert refused["code"] == "seat-taken", refused
    canceled = [book("Soul", seat) for seat in ["20A", "20b", "다3", unicodedata.normalize("NFD", "다3")]]
    printed = [book("Soul", seat) for seat in ["21A", "21b", "라4"]]
    waiting = book("Soul", "22A")
    for number in range(6):
        said = server.ask("POST", "/movie/books", {"qty": 2, "movieName": "free", "seat": "1A,2B", "totalPrice": 20000})
        orders.append(said["id"])
    server.quiet()
    for number in canceled:
        server.ask("DELETE", f"/movie/books/{number}")
    for number in printed + orders[:3]:
        server.ask("PATCH", f"/movie/tickets/{number}", {"status": "Printed"})
    server.quiet()
    gone, fixed = set(canceled), set(printed)
    return [{**claim, "state": "canceled" if claim["id"] in gone else "printed" if claim["id"] in fixed else "held"} for claim in claims], waiting


def ticketing(server):
    day = 24 * 60 * 60

    def date(days):
        return time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * day))

    for number in range(1, 41):
        # Some of the past, some that end in two days, and some that end in ten.
        days = -3 if number > 35 else 2 if number % 2 else 10
        body = {"ticketId": number, "starttime": date(days), "endtime": date(days)}
        server.ask("POST", "/ticketing/tickets", body, long=True)
    server.quiet()
    for number in range(1, 13):
        body = {"ticketId": number, "userId": f"손님 {number % 4}", "userGrade": ["VIP", "Silver"][number % 2]}
        said = server.ask("POST", "/ticketing/reservations", body, long=True)
        if number % 4 == 0:
            server.ask("PATCH", f"/ticketing/reservations/{said['id']}", {"status": "CANCELLED"})
    server.ask("POST", "/ticketing/reservations", {"ticketId": 1, "userId": "late"}, fine=(409,))
    server.ask("POST", "/ticketing/reservations", {"ticketId": 36, "userId": "late"}, fine=(409,))


def gbike(server):
    """Says how much was paid in, by customer."""
    paid = {}

    def pay(user, deposit):
        server.ask("POST", "/gbike/userDeposits", {"userid": user, "deposit": deposit}, long=True)
        paid[user] = paid.get(user, 0) + deposit

    def bike(number):
        server.ask("POST", "/gbike/bikes", {"bikeid": number, "status": "사용가능", "location": "분당_정자역_1구역"})

    def ride(user, bike):
        return server.ask("POST", "/gbike/rents", {"userid": user, "bikeid": bike}, long=True)["id"]

    for user in range(1, 13):
        pay(user, 1000 if user % 3 else 100)
    in_parallel(bike, range(1, 101 + UNPAID))
    rides = {user: [ride(user, user * 4 + place) for place in range(4)] for user in range(1, 13)}
    many = []
    in_parallel(lambda bike: many.append(ride(99, bike)), range(100, 100 + UNPAID))
    server.admin("POST", "clock", {"advance": "PT2M"})
    for user in range(1, 13):
        # The last ride of each goes on. Each costs 200, so some cannot pay for theirs.
        for number in rides[user][:3]:
            server.ask("PATCH", f"/gbike/rents/{number}", {"endlocation": "분당_정자역_3구역"})
    server.quiet()
    pay(3, 150)
    pay(6, 900)
    server.quiet()
    server.ask("POST", "/gbike/rents", {"userid": 9, "bikeid": 5}, fine=(409,))
    return paid, many


def listed(server, path):
    """All that a list has."""
    found, page = [], 0
    while True:
        status, said, _ = server.call("GET", f"{path}?size=100&page={page}")
        assert status == 200, (path, status, said)
        found += next(iter(said["_embedded"].values()))
        page += 1
        if page >= said["page"]["totalPages"]:
            return found


COLLECTIONS = {
    "bookrent": {"rents": "userId", "deliveries": None, "views": "userId", "books": None},
    "purifier": {"products": None, "rentals": "customerId", "payments": None, "deliveries": None, "mypages": "customerId", "notifications": None},
    "ebook": {"books": None, "rents": "userId", "payments": "userId", "dashboards": "userId"},
    "movie": {"books": None, "payments": None, "tickets": None, "points": None, "mypages": None},
    "ticketing": {"tickets": None, "reservations": "userId", "prices": None, "views": None},
    "gbike": {"bikes": None, "rents": "userid", "billings": "userid", "userDeposits": None, "rentAndBillingViews": "userid"},
}
# Of books there are many, and they are all alike.
SHOWN = 100


def touched(path, entry, waiting):
    """Whether what comes behind this look, or what is under way at the kill, changes the thing."""
    number = entry.get("id", entry.get("ticketId"))
    return (
        entry.get("userid") == 99
        or path in ("/gbike/bikes", "/bookrent/books") and number > 60
        or path.startswith("/bookrent/") and number > RENTS
        or path.startswith("/ticketing/") and number in range(13, 19) and "reservations" not in path
        or path in ("/movie/tickets", "/movie/points", "/movie/mypages", "/movie/books") and number == waiting
        or (path, number) in [("/purifier/products", 1), ("/ebook/books", 30)]
    )


def look(server, waiting):
    """What is shown: things with their ETags, and how many each filter finds."""
    things, totals = [], {}
    for system, collections_ in COLLECTIONS.items():
        for name, user in collections_.items():
            path = f"/{system}/{name}"
            all_of_it = listed(server, path)
            totals[path] = len(all_of_it)
            # What is canceled at the end is one of these.
            for field in filter(None, [user, "status" if system != "bookrent" else None]):
                values = collections.Counter(entry[field] for entry in all_of_it if entry.get(field) is not None)
                for value, count in values.items():
                    filtered = f"{path}?{field}={value if isinstance(value, str) else json.dumps(value)}"
                    status, said, _ = server.call("GET", filtered)
                    if status == 200 and said["page"]["totalElements"] == count and count < len(all_of_it):
                        totals[filtered] = count
            for entry in all_of_it[:SHOWN]:
                if touched(path, entry, waiting):
                    continue
                number = entry.get("id", entry.get("ticketId"))
                status, said, etag = server.call("GET", f"{path}/{number}")
                assert status == 200, (path, number, status, said)
                things.append({"path": f"{path}/{number}", "etag": etag, "body": said})
    return things, totals


def orders_that_stay_open(server, number):
    """One of each system, whose answer does not come before the server is killed."""
    user = LATE + number
    showtime = "2031-06-01T19:30:00+09:00"
    wishes = [
        ("/bookrent/rents", {"bookId": 900 + number, "userId": user, "address": "open"}),
        ("/purifier/rentals", {"customerId": user, "productId": 1, "amt": 30000, "address": "open"}),
        ("/ebook/rents", {"userId": user, "bookId": 30, "bookName": "책 30", "rentalFee": 3000}),
        ("/movie/books", {"qty": 1, "movieName": "Soul", "seat": f"{number}z", "totalPrice": 10000, "showtime": showtime}),
        ("/ticketing/reservations", {"ticketId": 12 + number, "userId": str(user)}),
    ]
    return [begin(server, path, body) for path, body in wishes]


def begin(server, path, body):
    thread = threading.Thread(target=server.ask, args=("POST", path, body), kwargs={"long": True})
    thread.start()
    return thread


def late_load(server, number, killed):
    """Registers, orders and cancels until there is no server any more."""
    rents = iter(range(RENTS + 1 + number, LATE, LOADERS))
    for place in itertools.count():
        if killed.is_set():
            return
        server.ask("POST", "/ebook/books", {"bookName": f"late {number}-{place}", "rentalFee": 1000}, long=place % 2 == 0)
        server.ask("POST", "/purifier/products", {"name": f"late {number}-{place}", "amt": 1000, "stock": 1})
        server.ask("PATCH", f"/bookrent/rents/{next(rents)}", {"status": "Cancel"}, fine=(200, 404, 409))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("to", help="the directory's name; what is written has .tar.xz and .json.xz behind it")
    parser.add_argument("--keep", help="keep the directory itself here")
    options = parser.parse_args()
    directory = tempfile.mkdtemp()
    release = subprocess.run([options.binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    server = Server(options.binary, directory)
    try:
        record = make(server, release)
    finally:
        server.process.kill()
        server.process.wait()
    with lzma.open(options.to + ".json.xz", "wt", preset=9 | lzma.PRESET_EXTREME) as file:
        json.dump(record, file, ensure_ascii=False, separators=(",", ":"))
    subprocess.run(f"tar -C '{directory}' --sort=name --owner=0 --group=0 --sparse -cf - data | xz -9e > '{options.to}.tar.xz'", shell=True, check=True)
    counts = {name: len(value) for name, value in record.items() if isinstance(value, (list, dict))}
    print(json.dumps(counts), {source: len(events) for source, events in record["events"].items()})
    if options.keep:
        shutil.move(directory, options.keep)
    else:
        shutil.rmtree(directory)


def last(server, context):
    """The last sequence in the log of a context."""
    return next(health["lastSequence"] for health in server.contexts() if health["context"] == context)


def away(server, context):
    """Whether a context has given up."""
    return next(health["state"] == "failed" for health in server.contexts() if health["context"] == context)


def slow(server, context):
    """What it does it does at once, but its answers do not come before the server is killed."""
    server.admin("PUT", f"contexts/{context}/fault", {"delayMs": [250000, 290000], "failureRate": 0.0})


def make(server, release):
    listener = Listener(server)
    bookrent(server)
    purifier(server)
    ebook(server)
    claims, waiting = movie(server)
    ticketing(server)
    paid, many = gbike(server)
    server.quiet()
    things, totals = look(server, waiting)

    slow(server, "gbike.bike")
    sequence = last(server, "gbike.rent")
    threads = [begin(server, "/gbike/rents", {"userid": LATE + number, "bikeid": 60 + number}) for number in range(1, 7)]
    until(lambda: last(server, "gbike.rent") >= sequence + 12, "six rides wait for their bikes")

    # From here on rows come to be that 0.1.0 writes and cannot read.
    for vain in (VAIN, 40):
        server.admin("POST", "contexts/movie.point/stop")
        for _ in range(vain):
            status, said, _ = server.call("PATCH", f"/movie/tickets/{waiting}", {"status": "Printed"})
            assert status == 503, (status, said)
        server.admin("POST", "contexts/movie.point/start")
        server.quiet(waiting=6)
    in_parallel(lambda ride: server.ask("PATCH", f"/gbike/rents/{ride}", {"endlocation": "분당_정자역_3구역"}), many)
    server.quiet(waiting=6)
    until(lambda: all(away(server, context) for context in ["movie.point", "gbike.userDeposit"]), "these rows cannot be read")

    for context in SLOW[1:]:
        slow(server, context)
    orders = ["bookrent.rent", "purifier.rental", "ebook.rent", "movie.book", "ticketing.reservation"]
    before = {order: last(server, order) for order in orders}
    for number in range(1, 7):
        threads += orders_that_stay_open(server, number)

    until(lambda: all(last(server, order) >= before[order] + 6 for order in orders), "every system has orders that wait")
    acknowledged = len(server.acknowledged)
    killed = threading.Event()
    loaders = [threading.Thread(target=late_load, args=(server, number, killed)) for number in range(LOADERS)]
    for loader in loaders:
        loader.start()
    until(lambda: len(server.acknowledged) > acknowledged + 400, "enough is acknowledged")
    server.process.kill()
    killed_at = time.time()
    killed.set()
    server.process.wait()
    for thread in loaders + threads:
        thread.join()
    listener.join()
    return {
        "release": release,
        "killedAt": killed_at,
        "advancedSeconds": 120,
        "acknowledged": server.acknowledged,
        "cutOff": server.cut_off,
        "things": things,
        "totals": totals,
        "claims": claims,
        "unprinted": waiting,
        "paid": paid,
        "unpaid": {"user": 99, "rides": sorted(many)},
        "events": listener.events,
    }


if __name__ == "__main__":
    main()
