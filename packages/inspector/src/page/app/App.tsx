/**
 * The shell around every view: where one can go, who looks, light or dark, files that are dropped.
 *
 * @module
 */
import { Activity, Database, FolderOpen, LogOut, MessageSquareText, Monitor, Moon, Route as RouteIcon, Sun } from "lucide-react"
import { Component, lazy, type ReactNode, Suspense, useEffect, useRef, useState } from "react"
import * as recordings from "../api/recordings.ts"
import { IconButton, Tip } from "../ui/controls.tsx"
import { count } from "../ui/format.ts"
import { Logo } from "../ui/Logo.tsx"
import { Empty, Failure, Loading, Notice } from "../ui/surfaces.tsx"
import { SignIn } from "../views/SignIn.tsx"
import { Traffic } from "../views/traffic/Traffic.tsx"
import { go, type Route, to, useRoute } from "./route.ts"
import { useVisitor } from "./session.tsx"
import { setTheme, useDark, useTheme } from "./theme.ts"

const TracePage = lazy(() => import("../views/trace/TracePage.tsx"))
const ComparePage = lazy(() => import("../views/compare/ComparePage.tsx"))
const PipelinesPage = lazy(() => import("../views/pipelines/PipelinesPage.tsx"))
const PlaygroundPage = lazy(() => import("../views/playground/PlaygroundPage.tsx"))
const HealthPage = lazy(() => import("../views/health/HealthPage.tsx"))

const places = [
  { view: "traffic", name: "Traffic", icon: Activity },
  { view: "pipelines", name: "Pipelines", icon: RouteIcon },
  { view: "playground", name: "Playground", icon: MessageSquareText },
  { view: "health", name: "Health", icon: Database }
] as const

export const App = () => {
  const visitor = useVisitor()
  const route = useRoute()
  const main = useRef<HTMLElement>(null)
  const [problem, setProblem] = useState<unknown>()
  const name = nameOf(route)
  useEffect(() => {
    document.title = `${name} · Plugline inspector`
  }, [name])
  useEffect(() => setProblem(undefined), [route.view])

  if (visitor.state === "asking") return <Loading what="Asking the gateway who you are" />
  if (visitor.state === "failed") return <Failure error={visitor.error} again={visitor.again} />
  if (visitor.state === "signed-out") return <SignIn />

  const openFile = (file: File) => {
    setProblem(undefined)
    recordings.open(file).then(
      ({ summary }) => go(to("traces", summary.id, "walk")),
      (error: unknown) => setProblem(error)
    )
  }
  return (
    <DropArea onFile={openFile}>
      <div className="shell">
        <a
          className="skip"
          href="#main"
          onClick={(event) => {
            event.preventDefault()
            main.current?.focus()
          }}
        >
          Skip to content
        </a>
        <header className="bar">
          <a className="brand" href="#/traffic" aria-label="Plugline inspector">
            <Logo />
            <strong className="hide-small">Plugline</strong>
          </a>
          <nav aria-label="Views">
            {places.map(({ icon: Icon, name, view }) => (
              <a key={view} className="tab" href={to(view)} aria-current={isAt(route, view) ? "page" : undefined}>
                <Icon aria-hidden />
                {name}
              </a>
            ))}
          </nav>
          <div className="bar-end">
            <Recording />
            <OpenFile onFile={openFile} />
            <ThemeButton />
            <Who />
          </div>
        </header>
        <main className="main" id="main" tabIndex={-1} ref={main} aria-label={name}>
          {problem !== undefined && (
            <div className="problem">
              <Notice tone="bad" title="This file could not be opened">
                <p>{problem instanceof Error ? problem.message : String(problem)}</p>
              </Notice>
            </div>
          )}
          <Guard key={route.view === "trace" ? `${route.id}/${route.tab}` : route.view}>
            <Suspense fallback={<Loading what="Loading" />}>{viewOf(route)}</Suspense>
          </Guard>
        </main>
      </div>
    </DropArea>
  )
}

const viewOf = (route: Route): ReactNode => {
  switch (route.view) {
    case "traffic":
      return <Traffic query={route.query} />
    case "trace":
      return <TracePage id={route.id} tab={route.tab} query={route.query} />
    case "compare":
      return <ComparePage a={route.a} b={route.b} />
    case "pipelines":
      return <PipelinesPage name={route.name} other={route.other} />
    case "playground":
      return <PlaygroundPage query={route.query} />
    case "health":
      return <HealthPage query={route.query} />
    case "nowhere":
      return (
        <>
          <h1 className="unseen">Nothing here</h1>
          <Empty title="There is nothing at this address">
            <p>
              <code>{route.hash}</code>
            </p>
            <a className="button" href="#/traffic">
              To the traffic
            </a>
          </Empty>
        </>
      )
  }
}

const nameOf = (route: Route): string => {
  if (route.view === "trace") return `${route.tab.replace(/^./, (first) => first.toUpperCase())} of ${route.id}`
  if (route.view === "compare") return "Compare"
  return places.find(({ view }) => view === route.view)?.name ?? "Nothing here"
}

const isAt = (route: Route, view: string): boolean =>
  route.view === view || (view === "traffic" && (route.view === "trace" || route.view === "compare"))

const Recording = () => {
  const { session } = useVisitor()
  if (session === undefined) return undefined
  const { keeps, lost = 0, on, sample, trouble } = session.recording
  const text = on
    ? `Steps of ${sample >= 1 ? "every request" : `${Math.round(sample * 100)} % of requests`} are recorded. Kept: ${keeps}`
    : "Steps are not recorded: requests are listed, but cannot be walked"
  const worry = trouble ?? (lost > 0 ? `${count(lost)} requests could not be kept` : undefined)
  return (
    <Tip text={worry === undefined ? text : `${worry}. ${text}`}>
      <a className="recording hide-small" href="#/traffic">
        <span className="dot" data-tone={worry !== undefined ? "warn" : on ? "bad" : "plain"} />
        {worry !== undefined
          ? "Recording is in trouble"
          : on
            ? sample >= 1
              ? "Recording"
              : `Recording ${Math.round(sample * 100)} %`
            : "Not recording"}
      </a>
    </Tip>
  )
}

const OpenFile = ({ onFile }: { readonly onFile: (file: File) => void }) => {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <IconButton icon={<FolderOpen aria-hidden />} label="Open a trace file" onPress={() => input.current?.click()} />
      <input
        ref={input}
        type="file"
        accept=".json,application/json"
        hidden
        aria-label="Trace file"
        onChange={({ target }) => {
          const [file] = target.files ?? []
          if (file !== undefined) onFile(file)
          target.value = ""
        }}
      />
    </>
  )
}

const ThemeButton = () => {
  const theme = useTheme()
  const dark = useDark()
  const next = theme === "system" ? (dark ? "light" : "dark") : theme === "dark" ? "light" : "dark"
  const Icon = theme === "system" ? Monitor : dark ? Moon : Sun
  return <IconButton icon={<Icon aria-hidden />} label={`Theme: ${theme}. Change to ${next}`} onPress={() => setTheme(next)} />
}

const Who = () => {
  const { session, signOut } = useVisitor()
  if (session === undefined || session.open) return undefined
  return (
    <>
      <span className="who hide-small" title={`Role: ${session.role}`}>
        {session.name}
      </span>
      <IconButton icon={<LogOut aria-hidden />} label="Sign out" onPress={signOut} />
    </>
  )
}

/** Takes a file that is dropped anywhere on the page. */
const DropArea = ({ children, onFile }: { readonly children: ReactNode; readonly onFile: (file: File) => void }) => {
  const [over, setOver] = useState(false)
  const take = useRef(onFile)
  take.current = onFile
  useEffect(() => {
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true
    const drag = (event: DragEvent) => {
      if (!hasFile(event)) return
      event.preventDefault()
      setOver(true)
    }
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    const drop = (event: DragEvent) => {
      if (!hasFile(event)) return
      event.preventDefault()
      setOver(false)
      const [file] = event.dataTransfer?.files ?? []
      if (file !== undefined) take.current(file)
    }
    window.addEventListener("dragover", drag)
    window.addEventListener("dragleave", leave)
    window.addEventListener("drop", drop)
    return () => {
      window.removeEventListener("dragover", drag)
      window.removeEventListener("dragleave", leave)
      window.removeEventListener("drop", drop)
    }
  }, [])
  return (
    <>
      {children}
      {over && (
        <div className="drop-veil">
          <div>Drop a trace file to open it</div>
        </div>
      )}
    </>
  )
}

/** A view that cannot be drawn must not take the rest of the page with it. */
class Guard extends Component<{ readonly children: ReactNode }, { readonly error?: unknown }> {
  override state: { readonly error?: unknown } = {}

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    return this.state.error === undefined ? (
      this.props.children
    ) : (
      <Failure error={this.state.error} again={() => this.setState({ error: undefined })} />
    )
  }
}
