#!/usr/bin/env python3
"""Signs in at a CA's HTTPS service with Basic or SCRAM-SHA-256, from any address of the loopback network.
usage: sign_in_client.py once MECHANISM USER PASSWORD FROM          prints status, error name and Retry-After
       sign_in_client.py guess MECHANISM USER COUNT FROM [RIGHT]    wrong passwords; prints how many answers had which status. With
                                                                    RIGHT more of them, until the wait is of 4 s, and then that one
       sign_in_client.py salt USER FROM                             prints the SCRAM salt and iteration count of USER
       sign_in_client.py compare MECHANISM COUNT PASSWORD USER...   wrong passwords for each USER, each from an address of its own:
                                                                    fails unless the answers are equal but for salts and nonces, and
                                                                    (with a COUNT of 10) none takes more than RATIO times as long
CA_URL and CA_FILE say where the service is and whose certificate it must have."""

import base64
import collections
import hashlib
import hmac
import http.client
import itertools
import os
import re
import ssl
import statistics
import sys
import time
from urllib.parse import urlparse

RATIO = 2.2


class Client:
    def __init__(self, source):
        where = urlparse(os.environ["CA_URL"])
        context = ssl.create_default_context(cafile=os.environ["CA_FILE"])
        self.http = http.client.HTTPSConnection(where.hostname, where.port, timeout=90, context=context,
                                                source_address=(source, 0))

    def ask(self, authorization):
        self.http.request("GET", "/dirca/v1/requests", headers={"Authorization": authorization})
        answer = self.http.getresponse()
        return answer, answer.read()


def seen(answer, body):
    """What a stranger can compare: everything but the date, salts, nonces and session ids."""
    headers = sorted((k.lower(), v) for k, v in answer.getheaders() if k.lower() != "date")
    return re.sub(r"(sid|data)=[^ ,']*", r"\1=*", str((answer.status, headers, body)))


def basic(client, user, password):
    return [client.ask("Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())]


def challenge_of(answer):
    fields = answer.getheader("WWW-Authenticate") or ""
    found = re.search(r"SCRAM-SHA-256 sid=(\w+), data=([\w+/=]+)", fields)
    if not found:
        return None, None, None
    server_first = base64.b64decode(found[2]).decode()
    return found[1], server_first, dict(part.split("=", 1) for part in server_first.split(","))


def scram(client, user, password):
    first = f"n={user},r={base64.b64encode(os.urandom(18)).decode()}"
    answers = [client.ask("SCRAM-SHA-256 data=" + base64.b64encode(f"n,,{first}".encode()).decode())]
    sid, server_first, parts = challenge_of(answers[0][0])
    if sid is None:
        return answers
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    bare = f"c=biws,r={parts['r']}"
    signature = hmac.digest(hashlib.sha256(key).digest(), f"{first},{server_first},{bare}".encode(), "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
    final = base64.b64encode(f"{bare},p={proof}".encode()).decode()
    answers.append(client.ask(f"SCRAM-SHA-256 sid={sid}, data={final}"))
    return answers


MECHANISMS = {"basic": basic, "scram": scram}


def once(mechanism, user, password, source):
    answer, _ = MECHANISMS[mechanism](Client(source), user, password)[-1]
    print(answer.status, answer.getheader("Dirca-Error", "-"), answer.getheader("Retry-After", "-"))


def guess(mechanism, user, count, source, right=None):
    def one(password):
        return MECHANISMS[mechanism](Client(source), user, password)[-1][0]

    statuses, start = collections.Counter(), time.monotonic()
    for n in range(int(count)):
        answer = one(f"guess {n}")
        statuses[answer.status] += 1
    print(*(f"{status}:{n}" for status, n in sorted(statuses.items())), f"in {time.monotonic() - start:.1f} s")
    if right is None:
        return
    while answer.status == 401 or (answer.status == 429 and int(answer.getheader("Retry-After")) < 4):
        time.sleep(0.05)
        answer = one("guess")
    answer = one(right)
    print("then the right one:", answer.status, answer.getheader("Dirca-Error", "-"), answer.getheader("Retry-After", "-"))


def salt(user, source):
    _, _, parts = challenge_of(scram(Client(source), user, "wrong")[0][0])
    print(parts["s"], parts["i"]) if parts else sys.exit(f"{user}: no challenge")


def compare(mechanism, count, password, *users):
    """In turn, so that what else the machine does meets all alike."""
    answers, times = {user: [] for user in users}, {user: [] for user in users}
    address = itertools.count(1)

    def turn():
        for user in users:
            n = next(address)
            client = Client(f"127.{10 + n // 62500}.{1 + n // 250 % 250}.{1 + n % 250}")
            client.http.connect()
            start = time.monotonic()
            got = MECHANISMS[mechanism](client, user, password)
            times[user].append((time.monotonic() - start) * 1000)
            answers[user].append([seen(*one) for one in got])

    def apart():
        """The two whom the fastest answers tell apart: what else the machine does makes the others say little."""
        best = {user: statistics.mean(sorted(times[user])[:4]) for user in users}
        fastest, slowest = min(users, key=best.get), max(users, key=best.get)
        return (slowest, fastest) if best[slowest] > RATIO * best[fastest] else None

    for _ in range(int(count)):
        turn()
    # Noise goes with more of them, a difference stays. More than 50 failures of an account are a fault of their own.
    while int(count) >= 10 and apart() and len(times[users[0]]) < 2 * int(count):
        turn()
    quarters = {user: statistics.quantiles(times[user], n=4) for user in users}
    for user in users:
        low, median, high = quarters[user]
        print(f"{mechanism} {user:>15}: median {median:6.2f} ms, quartiles {low:6.2f} and {high:6.2f}, fastest {min(times[user]):.2f}")
    for user in users:
        for got in answers[user]:
            if got != answers[users[0]][0]:
                sys.exit(f"the answers for {users[0]} and {user} differ:\n{answers[users[0]][0]}\n{got}")
    if int(count) >= 10 and apart():
        sys.exit("the time of the answers tells {} and {} apart".format(*apart()))


if __name__ == "__main__":
    {"once": once, "guess": guess, "salt": salt, "compare": compare}[sys.argv[1]](*sys.argv[2:])
