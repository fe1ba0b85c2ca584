import { stopAll, pinSelf } from "./process.mjs";
import { setUp } from "./setup.mjs";
import { run } from "./rows/fan-out.mjs";
pinSelf();
try { if (!process.argv.includes("-n")) setUp(console.log);
const r = await run({ quick: true, log: console.log });
for (const k of [1,16]) for (const [p, v] of Object.entries(r.results[k])) console.log(k, p.padEnd(18), v.cpuMicroseconds.median.toFixed(3), v.ratio, v.perSecond.median.toFixed(0), v.serverShare.median.toFixed(2), v.loadShare.median.toFixed(2));
console.log(r.missing);
} finally { await stopAll(); }
