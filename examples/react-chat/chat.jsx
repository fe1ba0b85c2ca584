import { createClient } from "@websocket-center/client";
import { useWebSocketCenter } from "@websocket-center/client/react";
import { StrictMode, useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";

function Room({ name }) {
  const client = useMemo(
    () => createClient({ url: `/ws?name=${encodeURIComponent(name)}`, json: true }),
    [name],
  );
  const [lines, setLines] = useState([]);
  const add = (line) => setLines((all) => [...all.slice(-199), line]);
  const status = useWebSocketCenter(client, add);
  useEffect(() => client.on("gap", (gap) => add({ gap })), [client]);

  const say = (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    client.send(new FormData(form).get("text"));
    form.reset();
  };
  return (
    <main>
      <h1>The room</h1>
      <Status status={status} />
      <ol>
        {lines.map((line, at) => (
          <Line key={at} {...line} />
        ))}
      </ol>
      <form onSubmit={say}>
        <input name="text" aria-label="message" autoFocus />
        <button>Say</button>
      </form>
    </main>
  );
}

function Line({ from, text, joined, left, gap }) {
  const time = (ms) => new Date(ms).toLocaleTimeString();
  if (gap !== undefined) {
    return (
      <li className="gap">
        You may have missed what was said from {time(gap.from)} to {time(gap.to)}.
      </li>
    );
  }
  if (joined || left) return <li>{`${from} ${joined ? "came in" : "left"}`}</li>;
  return (
    <li>
      <b>{from}:</b> {text}
    </li>
  );
}

function Status({ status }) {
  const texts = {
    idle: "",
    connecting: "connecting …",
    open: "connected",
    waiting: "the connection is lost; what you say goes out when it is back",
    closed: "closed",
  };
  return <p role="status">{texts[status.state]}</p>;
}

function App() {
  const [name, setName] = useState("");
  const enter = (event) => {
    event.preventDefault();
    setName(new FormData(event.currentTarget).get("name"));
  };
  if (name !== "") return <Room name={name} />;
  return (
    <form onSubmit={enter}>
      <input name="name" aria-label="name" placeholder="Your name" required autoFocus />
      <button>Enter</button>
    </form>
  );
}

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
