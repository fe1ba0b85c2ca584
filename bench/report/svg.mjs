// Plots, written by hand: bars for ratios, lines for curves. They are read in light and dark.
const INK = "#57606a";
const ACCENT = "#0969da";
const OTHER = "#8c959f";
const FONT = `font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="13"`;

const escape = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

function picture(width, height, title, body) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ${FONT} role="img" aria-labelledby="title">
  <title id="title">${escape(title)}</title>
  <text x="16" y="24" fill="${INK}" font-weight="600">${escape(title)}</text>
${body.map((line) => `  ${line}`).join("\n")}
</svg>
`;
}

/**
 * A bar for each value, the spread as a thin line over it.
 * @param {{ title: string, unit: string, bars: { label: string, value: { median: number, min: number, max: number }, accent?: boolean }[] }} chart
 */
export function barChart({ title, unit, bars }) {
  const left = 190;
  const width = 820;
  const most = Math.max(...bars.map(({ value }) => value.max));
  const x = (value) => left + (value / most) * (width - left - 90);
  const body = bars.flatMap(({ label, value, accent = false }, row) => {
    const y = 44 + row * 30;
    const middle = y + 10;
    return [
      `<text x="${left - 8}" y="${middle + 5}" text-anchor="end" fill="${INK}"${accent ? ' font-weight="600"' : ""}>${escape(label)}</text>`,
      `<rect x="${left}" y="${y}" width="${(x(value.median) - left).toFixed(1)}" height="20" rx="3" fill="${accent ? ACCENT : OTHER}"/>`,
      `<path d="M${x(value.min).toFixed(1)} ${middle}H${x(value.max).toFixed(1)}" stroke="${INK}" stroke-width="1.5"/>`,
      `<text x="${(x(value.max) + 8).toFixed(1)}" y="${middle + 5}" fill="${INK}">${value.median.toFixed(2)}</text>`,
    ];
  });
  const height = 44 + bars.length * 30 + 28;
  body.push(`<text x="${left}" y="${height - 12}" fill="${INK}">${escape(unit)}</text>`);
  return picture(width, height, title, body);
}

const powersOfTen = (from, to) => {
  const powers = [];
  for (let power = Math.floor(Math.log10(from)); 10 ** power <= to * 1.0001; power += 1)
    powers.push(10 ** power);
  return powers.filter((value) => value >= from * 0.9999);
};

/**
 * Curves over two logarithmic axes.
 * @param {{ title: string, xLabel: string, yLabel: string, lines: { label: string, color: string, points: [number, number][] }[] }} chart
 */
export function lineChart({ title, xLabel, yLabel, lines }) {
  const [width, height, left, right, top, bottom] = [820, 420, 70, 120, 44, 56];
  const all = lines.flatMap(({ points }) => points);
  const range = (pick) => [Math.min(...all.map(pick)), Math.max(...all.map(pick))];
  const [xMin, xMax] = range(([x]) => x);
  const [, yMost] = range(([, y]) => y);
  const yMin = 10 ** Math.floor(Math.log10(range(([, y]) => y)[0]));
  const yMax = 10 ** Math.ceil(Math.log10(yMost));
  const scale = (value, min, max) => (max > min ? Math.log(value / min) / Math.log(max / min) : 0.5);
  const x = (value) => left + scale(value, xMin, xMax) * (width - left - right);
  const y = (value) => height - bottom - scale(value, yMin, yMax) * (height - top - bottom);
  const body = [];
  for (const value of powersOfTen(yMin, yMax)) {
    body.push(
      `<path d="M${left} ${y(value).toFixed(1)}H${width - right}" stroke="${OTHER}" stroke-opacity="0.35"/>`,
      `<text x="${left - 8}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end" fill="${INK}">${value}</text>`,
    );
  }
  const ticks = [200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000].filter(
    (value) => value >= xMin && value <= xMax,
  );
  for (const value of ticks) {
    body.push(
      `<text x="${x(value).toFixed(1)}" y="${height - bottom + 20}" text-anchor="middle" fill="${INK}">${value.toLocaleString("en")}</text>`,
    );
  }
  for (const { label, color, points } of lines) {
    const path = points.map(
      ([px, py], at) => `${at === 0 ? "M" : "L"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`,
    );
    const [lastX, lastY] = points.at(-1);
    body.push(
      `<path d="${path.join("")}" fill="none" stroke="${color}" stroke-width="2"/>`,
      ...points.map(
        ([px, py]) => `<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="3" fill="${color}"/>`,
      ),
      `<text x="${(x(lastX) + 8).toFixed(1)}" y="${(y(lastY) + 4).toFixed(1)}" fill="${color}">${escape(label)}</text>`,
    );
  }
  body.push(
    `<text x="${(left + width - right) / 2}" y="${height - 12}" text-anchor="middle" fill="${INK}">${escape(xLabel)}</text>`,
    `<text x="16" y="${height / 2}" transform="rotate(-90 16 ${height / 2})" text-anchor="middle" fill="${INK}">${escape(yLabel)}</text>`,
  );
  return picture(width, height, title, body);
}

export const colors = ["#1a7f37", "#0969da", "#cf222e"];
