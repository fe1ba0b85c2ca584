/** Hands on each whole line that a stream brings. */
export function eachLine(stream, take) {
  let rest = "";
  stream.setEncoding("utf8").on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) take(line);
  });
}

/** Writes texts, those of a tick in one write. */
export function joinedWriter(stream) {
  let joined = "";
  const flush = () => {
    stream.write(joined);
    joined = "";
  };
  return (text) => {
    if (joined === "") setImmediate(flush);
    joined += text;
  };
}
