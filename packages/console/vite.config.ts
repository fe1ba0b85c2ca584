import { defineConfig } from "vite";

/** Built into the server's package, which serves it. Paths are relative, so that it works behind any prefix. */
export default defineConfig({
  base: "./",
  build: {
    outDir: "../server/console",
    emptyOutDir: true,
    target: "es2023",
    // Those that know light-dark(): what is made of it for older ones needs more than Mantine's colour schemes give.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // Fonts and pictures as files: the Content-Security-Policy allows no data: URLs for them.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    // Modules of libraries say "use client", which means nothing here.
    rolldownOptions: {
      onLog: (level, log, next) => (log.code === "MODULE_LEVEL_DIRECTIVE" ? undefined : next(level, log)),
    },
  },
});
