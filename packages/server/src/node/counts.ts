/** What a node counts of its clients since it was made: plain numbers, read by metrics and by operations alike. */
export interface NodeCounts {
  opened: number;
  closed: number;
  refused: number;
  slowConsumers: number;
  handlerErrors: number;
  /** Messages of clients, and their bytes. */
  messagesIn: number;
  bytesIn: number;
}

export function createNodeCounts(): NodeCounts {
  return { opened: 0, closed: 0, refused: 0, slowConsumers: 0, handlerErrors: 0, messagesIn: 0, bytesIn: 0 };
}
