/**
 * Asks for an API key where the gateway does not let everybody look.
 *
 * @module
 */
import { useState } from "react"
import { useVisitor } from "../app/session.tsx"
import { Button, Text } from "../ui/controls.tsx"
import { Logo } from "../ui/Logo.tsx"
import { Notice } from "../ui/surfaces.tsx"

export const SignIn = () => {
  const { error, signIn } = useVisitor()
  const [key, setKey] = useState("")
  const [busy, setBusy] = useState(false)
  const [tried, setTried] = useState(false)
  return (
    <main className="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (key.trim() === "") return
          setBusy(true)
          setTried(true)
          void signIn(key.trim()).finally(() => setBusy(false))
        }}
      >
        <div className="brand">
          <Logo />
        </div>
        <div>
          <h1>Plugline inspector</h1>
          <p>This gateway asks for an API key that may inspect requests.</p>
        </div>
        <Text label="API key" value={key} onChange={setKey} type="password" mono autoFocus />
        {tried && !busy && error !== undefined && (
          <Notice tone="bad" title="This key does not open the inspector">
            <p>{error instanceof Error ? error.message : String(error)}</p>
          </Notice>
        )}
        <Button kind="main" type="submit" isDisabled={busy || key.trim() === ""}>
          {busy ? "Asking" : "Sign in"}
        </Button>
        <p className="faint">The key stays in this tab and is forgotten when you sign out or close it.</p>
      </form>
    </main>
  )
}
