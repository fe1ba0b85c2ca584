import { closeCodes, mayReconnect } from "@websocket-center/protocol";
import { expect, test } from "vitest";
import { comesBack, HEARTBEAT_TIMEOUT } from "../src/close-codes.js";

test("the client comes back after exactly those close codes that the protocol's table allows", () => {
  for (let code = 1000; code < 5000; code += 1) {
    expect({ code, comesBack: comesBack(code) }).toEqual({ code, comesBack: mayReconnect(code) });
  }
});

test("the code with which it gives up a silent node is the protocol's", () => {
  expect(HEARTBEAT_TIMEOUT).toBe(closeCodes.HEARTBEAT_TIMEOUT.code);
});
