import { Badge, createTheme, type CSSVariablesResolver } from "@mantine/core";

/** Mantine's own colours for small texts on tinted grounds have less contrast than WCAG 2.2, 1.4.3 asks for. */
const onLight = {
  blue: "#0b4a86",
  gray: "#343a40",
  green: "#1a5a29",
  orange: "#8a3b00",
  red: "#9c1c1c",
  teal: "#065a43",
} as const;

export const theme = createTheme({
  primaryShade: { light: 8, dark: 8 },
  components: {
    // Short words, which are read as they are and never cut off.
    Badge: Badge.extend({ defaultProps: { tt: "none", miw: "fit-content", radius: "sm" } }),
  },
});

export const resolveVariables: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": colors.gray[7],
    "--mantine-color-placeholder": colors.gray[7],
    "--mantine-color-anchor": colors.blue[9],
    "--mantine-color-error": colors.red[9],
    ...Object.fromEntries(
      Object.entries(onLight).map(([color, shade]) => [`--mantine-color-${color}-light-color`, shade]),
    ),
  },
  dark: {
    "--mantine-color-dimmed": colors.dark[1],
    "--mantine-color-placeholder": colors.dark[1],
    "--mantine-color-anchor": colors.blue[3],
    "--mantine-color-error": colors.red[4],
  },
});
