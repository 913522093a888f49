/**
 * Where the built page lies, for whoever serves it.
 *
 * @module
 */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** Whether something is built there: the page's own sources have no assets. */
const has = (place: string): boolean => existsSync(new URL(`${place}assets/`, import.meta.url))

/** The folder with `index.html` and `assets/`: of this package, or beside a program that this package was built into. */
export const folder: string = fileURLToPath(new URL(!has("../page/") && has("./page/") ? "./page/" : "../page/", import.meta.url))

/** Whether the page is built. `npm run setup` does it. */
export const isBuilt = (): boolean => existsSync(`${folder}index.html`)

/** What stands in `index.html` where the nonce of an answer belongs. */
export const nonceMark = "__CSP_NONCE__"
