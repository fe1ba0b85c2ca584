"""Lets the connection argv[1] in as the user ada, sends to her, asks who is online."""

import json
import os
import sys
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

CENTER = os.environ.get("CENTER_URL", "http://127.0.0.1:8011")
# The token may also stand in the query (token=...); as a header, it is in no log.
HEADERS = {"Authorization": f"Bearer {os.environ.get('TOKEN', '')}"}


class CallFailed(Exception):
    """The whole call failed, and nothing was run."""


def call(events):
    """Calls a center with a JSON body: {"bindId": {"id": "ada", "_id": connection_id}, ...}.

    Several events are one round trip: every node runs them in this order. Returns the answer's data:
    event -> node id -> value. What failed at one node is left out, and told on stderr.
    """
    query = urlencode({"event": ",".join(events), "timeoutMs": 2000})
    return ask(Request(f"{CENTER}/?{query}", json.dumps(events).encode(), HEADERS))


def query(event, **parameters):
    """The same for one event, with its parameters in the query string."""
    pairs = {"event": event, "timeoutMs": 2000}
    pairs |= {f"{event}[{name}]": value for name, value in parameters.items()}
    return ask(Request(f"{CENTER}/?{urlencode(pairs)}", headers=HEADERS))[event]


def ask(request):
    try:
        with urlopen(request, timeout=10) as response:
            answer = json.load(response)
    except HTTPError as error:  # 403, 413: the body has the same shape
        answer = json.load(error)
    if answer["code"] != 0:
        raise CallFailed(answer["msg"])
    return {event: values_of(event, places) for event, places in answer["data"].items()}


def values_of(event, places):
    values = {}
    for node_id, value in places.items():
        if isinstance(value, dict) and value.get("code") == 1:
            print(f"{event} at node {node_id}: {value['msg']}", file=sys.stderr)
        else:
            values[node_id] = value
    return values


def main(connection):
    data = call(
        {
            "bindId": {"id": "ada", "_id": connection},
            "joinGroupById": {"groupId": "room", "id": "ada"},
            "sendMessageToId": {"id": "ada", "msg": "welcome"},
            "sendToGroup": {"groupId": "room", "msg": {"from": "ada", "text": "hi"}},
            "broadcast": {"msg": "ada is here", "exclude_Ids": [connection]},
        }
    )
    print("bound:", json.dumps(0 in data["bindId"].values()))
    for event in ("sendMessageToId", "sendToGroup", "broadcast"):
        print("queued:", sum(data[event].values()))

    print("ada is online:", json.dumps(any(query("isOnlineId", id="ada").values())))
    print("users:", ", ".join({user for users in query("getIds").values() for user in users}))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: back_end.py CONNECTION_ID")
    try:
        main(sys.argv[1])
    except CallFailed as failure:
        sys.exit(f"the call failed: {failure}")
    except URLError as error:
        sys.exit(f"cannot reach the center {CENTER}: {error.reason}")
