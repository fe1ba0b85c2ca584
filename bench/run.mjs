import { stopAll, pinSelf } from "./process.mjs";
import { setUp } from "./setup.mjs";
const { run } = await import(`./rows/${process.argv[2]}.mjs`);
pinSelf();
try { setUp(console.log);
const r = await run({ quick: true, log: console.log });
console.dir(r, {depth: 3});
} finally { await stopAll(); }
