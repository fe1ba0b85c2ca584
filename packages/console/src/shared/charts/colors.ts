/** Colours of lines that can be told apart in both schemes, by the colour-blind too: after Okabe and Ito. */
export const chartColors = {
  light: {
    axis: "#495057",
    grid: "#e9ecef",
    lines: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56759c"],
  },
  dark: {
    axis: "#c9c9c9",
    grid: "#3b3b3b",
    lines: ["#56b4e9", "#e69f00", "#2fc99a", "#e59cc4", "#f0e442", "#9fb8d6"],
  },
} as const;
