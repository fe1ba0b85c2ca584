// An answer that comes word by word, as language models give them, to all tabs of the user who asked.
//
//   npm run build && node examples/token-stream/server.mjs   then open http://127.0.0.1:8080/?name=ada
//
// Each word has its number. A page that was away asks for the words from its last number on: nothing is missing, and
// nothing is there twice.
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startApp } from "../app-server.mjs";

const { center, node } = await startApp(fileURLToPath(new URL(".", import.meta.url)));
const answers = new Map();

node.on("message", async (connection, text) => {
  const { prompt, id, at } = JSON.parse(text);
  if (prompt !== undefined) return answerTo(connection.userId, String(prompt));
  const answer = answers.get(connection.userId);
  const next = answer?.id === id ? at + 1 : 0;
  answer?.words.slice(next).forEach((word, offset) => connection.send(frame(answer.id, next + offset, word)));
});
node.on("error", (error) => console.error(error.message));

async function answerTo(userId, prompt) {
  const answer = { id: Date.now(), words: [] };
  answers.set(userId, answer);
  for await (const word of model(prompt)) {
    // The user has asked something else meanwhile.
    if (answers.get(userId) !== answer) return;
    answer.words.push(word);
    const message = frame(answer.id, answer.words.length - 1, word);
    await center.cluster.sendToUser({ userId, message });
  }
}

function frame(id, at, word) {
  return JSON.stringify({ id, at, word });
}

/** Put the call of your language model here: anything that yields text. */
async function* model(prompt) {
  const words = `You asked: ${prompt}. Here are the numbers to fifty:`.split(" ");
  for (let number = 1; number <= 50; number += 1) words.push(String(number));
  for (const word of words) {
    await sleep(20);
    yield word;
  }
}
