#!/usr/bin/env bash
# Lets the connection $1 in as the user ada, sends to her, asks who is online. Needs curl and jq.
set -euo pipefail

center=${CENTER_URL:-http://127.0.0.1:8011}
connection=${1:?usage: back-end.sh CONNECTION_ID}

# Writes a center's answer, and on stderr what failed at which node. Fails where the whole call did.
# Behind a header file, the token is seen neither in the list of processes nor in the logs of proxies.
call() { # URL [CURL OPTION ...]
  local answer
  answer=$(curl --silent --show-error --max-time 10 \
    --header @<(if [[ ${TOKEN:-} ]]; then echo "Authorization: Bearer $TOKEN"; fi) "$@") || return
  jq --exit-status '.code == 0' <<<"$answer" >/dev/null || {
    jq --raw-output '"the call failed: \(.msg)"' <<<"$answer" >&2
    return 1
  }
  jq --raw-output '.data | to_entries[] | .key as $event | .value | to_entries[]
    | select((.value | type) == "object" and .value.code == 1)
    | "\($event) at node \(.key): \(.value.msg)"' <<<"$answer" >&2
  echo "$answer"
}

# A batch is one round trip: every node runs its events in this order. jq quotes what goes into JSON.
events=bindId,joinGroupById,sendMessageToId,sendToGroup,broadcast
answer=$(jq --null-input --arg _id "$connection" '{
    bindId: {id: "ada", _id: $_id},
    joinGroupById: {groupId: "room", id: "ada"},
    sendMessageToId: {id: "ada", msg: "welcome"},
    sendToGroup: {groupId: "room", msg: {from: "ada", text: "hi"}},
    broadcast: {msg: "ada is here", exclude_Ids: [$_id]}
  }' | call "$center/?event=$events&timeoutMs=2000" --json @-)

# data.EVENT has a place for each node; what concerns the cluster is their sum.
jq --raw-output '.data
  | "bound: \(any(.bindId[]; . == 0))",
    (.sendMessageToId, .sendToGroup, .broadcast | "queued: \([.[] | numbers] | add // 0)")' <<<"$answer"

answer=$(call "$center/" --get --data-urlencode "event=isOnlineId,getIds" --data-urlencode "timeoutMs=2000" \
  --data-urlencode "isOnlineId[id]=ada")
jq --raw-output '.data
  | "ada is online: \(any(.isOnlineId[]; . == true))",
    "users: \([.getIds[] | arrays[]] | unique | join(", "))"' <<<"$answer"
