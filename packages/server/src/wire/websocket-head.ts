/** How long the head of a WebSocket frame from a server is that carries so many bytes. */
export function headLength(payloadBytes: number): 2 | 4 | 10 {
  if (payloadBytes < 126) return 2;
  return payloadBytes < 0x1_00_00 ? 4 : 10;
}

/**
 * Writes the head of a frame from server to client at the start of `bytes`: final, unmasked, not compressed
 * (RFC 6455, 5.2).
 */
export function putHead(bytes: Buffer, opcode: number, payloadBytes: number): void {
  bytes[0] = 0x80 | opcode;
  switch (headLength(payloadBytes)) {
    case 2:
      bytes[1] = payloadBytes;
      break;
    case 4:
      bytes[1] = 126;
      bytes.writeUInt16BE(payloadBytes, 2);
      break;
    case 10:
      bytes[1] = 127;
      bytes.writeUInt32BE(0, 2);
      bytes.writeUInt32BE(payloadBytes, 6);
  }
}
