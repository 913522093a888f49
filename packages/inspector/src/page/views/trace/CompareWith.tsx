/**
 * Chooses another run to stand beside this one.
 *
 * @module
 */
import { GitCompare } from "lucide-react"
import { useState } from "react"
import { Button as AriaButton } from "react-aria-components/Button"
import { Dialog, DialogTrigger } from "react-aria-components/Dialog"
import { Popover } from "react-aria-components/Popover"
import type { Recorded } from "../../../api.ts"
import { traces } from "../../api/client.ts"
import { isFile } from "../../api/recordings.ts"
import { useResource } from "../../api/resource.ts"
import { to } from "../../app/route.ts"
import { SearchBox } from "../../ui/controls.tsx"
import { duration, time, toneOfStatus } from "../../ui/format.ts"
import { Badge } from "../../ui/surfaces.tsx"

export const CompareWith = ({ recorded }: { readonly recorded: Recorded }) => (
  <DialogTrigger>
    <AriaButton className="button" aria-label="Compare with another run">
      <GitCompare aria-hidden />
      <span className="hide-small">Compare</span>
    </AriaButton>
    <Popover className="popover compare-with" placement="bottom end">
      <Dialog className="dialog" aria-label="Compare with another run">
        {({ close }) => <Others recorded={recorded} close={close} />}
      </Dialog>
    </Popover>
  </DialogTrigger>
)

const Others = ({ close, recorded }: { readonly recorded: Recorded; readonly close: () => void }) => {
  const { id } = recorded.summary
  const [q, setQ] = useState("")
  const { error, loading, value } = useResource(`compare ${q}`, (signal) => traces({ q, limit: 30 }, signal))
  const others = (value?.traces ?? []).filter((each) => each.recorded && each.id !== id)
  return (
    <>
      <div className="compare-search">
        <SearchBox label="Search other runs" placeholder="Another run: id, model, route" value={q} onChange={setQ} />
      </div>
      <ul className="list">
        {others.map((each) => (
          <li key={each.id}>
            <a
              className="list-item"
              href={
                isFile(id)
                  ? to("compare", id, each.id)
                  : each.at < recorded.summary.at
                    ? to("compare", each.id, id)
                    : to("compare", id, each.id)
              }
              onClick={close}
            >
              <Badge tone={toneOfStatus(each.status)}>{each.status}</Badge>
              <span className="grow clip">
                <strong>{each.model ?? each.asked ?? each.operation}</strong> <span className="faint">{each.id}</span>
              </span>
              <span className="faint num">{duration(each.took)}</span>
              <span className="faint num">{time(each.at)}</span>
            </a>
          </li>
        ))}
        {others.length === 0 && (
          <li className="list-item faint">
            {loading ? "Loading" : error === undefined ? "No other recorded run fits" : "The gateway cannot be asked"}
          </li>
        )}
      </ul>
    </>
  )
}
