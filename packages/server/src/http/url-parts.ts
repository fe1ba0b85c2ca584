/** The path of a request target in origin form (`/path?query`) or absolute form (`http://host/path?query`). */
export function pathOf(url: string): string {
  if (!url.startsWith("/") && URL.canParse(url)) return new URL(url).pathname;
  const question = url.indexOf("?");
  return question === -1 ? url : url.slice(0, question);
}

export function queryOf(url: string): string {
  const question = url.indexOf("?");
  return question === -1 ? "" : url.slice(question + 1);
}
