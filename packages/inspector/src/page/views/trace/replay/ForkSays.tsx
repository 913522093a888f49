/**
 * What was changed in a fork, in words.
 *
 * @module
 */
import { GitFork } from "lucide-react"
import type { Fork } from "../../../../api.ts"
import { Scalar } from "../../../ui/json.tsx"

export const ForkSays = ({ fork: { at, line, options = [], set = [], unset = [], upstream } }: { readonly fork: Fork }) => (
  <div className="notice">
    <GitFork aria-hidden />
    <div className="grow">
      <strong>
        What was changed{" "}
        {at === undefined
          ? "before the first plug"
          : `where it came to the plug at ${at.path}${at.attempt > 1 ? `, visit ${at.attempt}` : ""}`}
      </strong>
      <ul className="fork-says">
        {set.map(({ path, value }) => (
          <li key={path}>
            <code>{path}</code> ={" "}
            <code>
              <Scalar value={value} />
            </code>
          </li>
        ))}
        {unset.map((path) => (
          <li key={path}>
            <code>{path}</code> taken out
          </li>
        ))}
        {options.map(({ options, path }) => (
          <li key={path}>
            options of the plug at <code>{path}</code>: <code>{JSON.stringify(options)}</code>
          </li>
        ))}
        {line !== undefined && (
          <li>
            another line: <code>{line.map(({ name }) => name).join(" → ")}</code>
          </li>
        )}
        {set.length + unset.length + options.length === 0 && line === undefined && <li>nothing</li>}
      </ul>
      <p>{upstream === "live" ? "Services were asked anew." : "Services answered as they were recorded."}</p>
    </div>
  </div>
)
