import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/test/*.test.ts"],
    setupFiles: ["scripts/vitest-setup.ts"],
    // Two test files at a time: most machines that run this are small, and the servers in these tests share its ports.
    maxWorkers: 2,
    testTimeout: 30_000
  }
})
