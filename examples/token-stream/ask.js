import { createClient } from "@websocket-center/client";

const name = new URLSearchParams(location.search).get("name") ?? "ada";
const client = createClient({ url: `/ws?name=${encodeURIComponent(name)}`, json: true });
const answer = document.querySelector("#answer");
let last = { id: 0, at: -1 };

client.on("status", ({ state }) => (document.querySelector("#status").textContent = state));
// Words may have been missed: the back end has them all.
client.on("gap", () => client.send(last));
document.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  client.send({ prompt: new FormData(event.currentTarget).get("prompt") });
});
void client.connect();

for await (const { id, at, word } of client.messages()) {
  if (id > last.id) {
    answer.textContent = "";
    last = { id, at: -1 };
  }
  // One that comes twice, since it was asked for again while it was on its way, is shown once.
  if (id !== last.id || at !== last.at + 1) continue;
  answer.append(at === 0 ? word : ` ${word}`);
  last.at = at;
}
