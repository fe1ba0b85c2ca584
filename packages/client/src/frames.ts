/** The object in a text; undefined where it is none. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The connection id in the node's first frame; undefined where that is something else. */
export function connectionIdOf(text: string): string | undefined {
  const { cmd, _id } = parseObject(text) ?? {};
  return cmd === "open" && typeof _id === "string" ? _id : undefined;
}

/** Whether this is, byte for byte, how a node answers the text `ping`. */
export function isPong(text: string, connectionId: string | undefined): boolean {
  return connectionId === undefined
    ? /^\{"cmd":"pong","_id":"[0-9a-f]{32}"\}$/.test(text)
    : text === `{"cmd":"pong","_id":"${connectionId}"}`;
}
