/**
 * The page's beginning.
 *
 * @module
 */
import { createRoot } from "react-dom/client"
import { App } from "./app/App.tsx"
import { SessionProvider } from "./app/session.tsx"
import { apply } from "./app/theme.ts"
import "./styles/tokens.css"
import "./styles/base.css"
import "./styles/controls.css"
import "./styles/surfaces.css"
import "./styles/shell.css"

apply()
createRoot(document.getElementById("root")!).render(
  <SessionProvider>
    <App />
  </SessionProvider>
)
