/**
 * The same text, with nothing else kept in memory for it: an id that was cut out of a URL refers to all of that, the
 * message included. What is put together anew and cut again refers to itself alone.
 */
export function detached(text: string): string {
  return `${text} `.slice(0, -1);
}
