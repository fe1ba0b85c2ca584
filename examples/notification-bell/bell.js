import { createClient } from "@websocket-center/client";
import { messageStore, statusStore } from "@websocket-center/client/store";

const name = new URLSearchParams(location.search).get("name") ?? "ada";
const client = createClient({ url: `/ws?name=${encodeURIComponent(name)}`, json: true });
const [bell, count, news, status] = ["bell", "count", "news", "status"].map((id) =>
  document.querySelector(`#${id}`),
);

const unseen = messageStore(client, [], (list, message) => (message.seen ? [] : [...list, message.news]));
unseen.subscribe((list) => {
  count.textContent = list.length === 0 ? "" : String(list.length);
});
statusStore(client).subscribe(({ state }) => {
  status.textContent = state;
});
// What was missed is not here to be counted: a real page would now ask its back end what is new.
client.on("gap", ({ from, to }) => {
  status.textContent = `nothing was heard for ${Math.round((to - from) / 1000)} s`;
});
bell.addEventListener("click", () => {
  news.replaceChildren(
    ...unseen.get().map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
  client.send("seen");
});
void client.connect();
