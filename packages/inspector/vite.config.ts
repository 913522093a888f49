/**
 * Builds the page to static files, which the gateway serves under `/inspector/`.
 *
 * @module
 */
import { fileURLToPath } from "node:url"
import { defineConfig } from "vite"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  // Whatever root the build is started with: `vite build packages/inspector`.
  plugins: [{ name: "root", config: () => ({ root: here("src/page") }) }],
  base: "/inspector/",
  logLevel: "warn",
  oxc: { jsx: { runtime: "automatic" } },
  build: {
    outDir: here("page"),
    emptyOutDir: true,
    // Browsers with `light-dark()` and `color-mix()`.
    target: ["chrome125", "firefox128", "safari18"],
    cssTarget: ["chrome125", "firefox128", "safari18"],
    sourcemap: false,
    // All under one name, so that the policy of the page needs to allow nothing but its own files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      // `"use client"` is for servers that draw React; here everything is the client.
      onLog: (level, log, next) => {
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") next(level, log)
      }
    }
  }
})
