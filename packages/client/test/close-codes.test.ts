import { closeCodes, mayReconnect } from "@websocket-center/protocol";
import { expect, test } from "vitest";
import { afterClose, HEARTBEAT_TIMEOUT } from "../src/close-codes.js";

test("the client comes back after exactly those close codes that the protocol's table allows", () => {
  for (let code = 1000; code < 5000; code += 1) {
    expect({ code, comesBack: afterClose(code) !== "never" }).toEqual({
      code,
      comesBack: mayReconnect(code),
    });
  }
});

test("it goes elsewhere where the node is going away, restarts or is full", () => {
  const elsewhere = Object.values(closeCodes).filter(({ code }) => afterClose(code) === "elsewhere");
  expect(elsewhere).toEqual([closeCodes.GOING_AWAY, closeCodes.SERVICE_RESTART, closeCodes.TRY_AGAIN_LATER]);
});

test("the code with which it gives up a silent node is the protocol's", () => {
  expect(HEARTBEAT_TIMEOUT).toBe(closeCodes.HEARTBEAT_TIMEOUT.code);
});
