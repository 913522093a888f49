/**
 * Reads Prometheus' text format by its rules, and refuses what breaks one. Written from the format's description, knowing nothing of
 * the writer.
 */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string | undefined
  readonly samples: Array<Sample>
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/

export const read = (text: string): ReadonlyArray<Family> => {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line must end with a line feed")
  const families: Array<Family> = []
  const seen = new Set<string>()
  let current: { name: string; type?: string; help?: string } | undefined
  const closeHead = (): Family => {
    if (current?.type === undefined) throw new Error("a sample without its TYPE")
    const known = families.at(-1)
    if (known?.name === current.name) return known
    if (families.some(({ name }) => name === current!.name)) throw new Error(`family ${current.name} comes twice`)
    const family: Family = { name: current.name, type: current.type, help: current.help, samples: [] }
    families.push(family)
    return family
  }
  for (const line of text.split("\n").slice(0, -1)) {
    if (line === "") continue
    if (line.startsWith("# HELP ")) {
      const name = line.slice(7).split(" ", 1)[0]!
      if (!metricName.test(name)) throw new Error(`bad name in ${line}`)
      if (current?.name === name) throw new Error(`a second HELP of ${name}`)
      const help = line.slice(8 + name.length)
      if (/\\(?![\\n])/.test(help.replaceAll("\\\\", ""))) throw new Error(`bad escape in ${line}`)
      current = { name, help }
    } else if (line.startsWith("# TYPE ")) {
      const [name = "", type = "", ...rest] = line.slice(7).split(" ")
      if (!metricName.test(name) || rest.length > 0) throw new Error(`bad line ${line}`)
      if (!["counter", "gauge", "histogram", "summary", "untyped"].includes(type)) throw new Error(`bad type ${type}`)
      if (current?.name === name && current.type !== undefined) throw new Error(`a second TYPE of ${name}`)
      current = current?.name === name ? { ...current, type } : { name, type }
    } else if (!line.startsWith("#")) {
      const family = closeHead()
      const sample = readSample(line)
      const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : family.type === "summary" ? ["", "_sum", "_count"] : [""]
      if (!suffixes.some((suffix) => sample.name === family.name + suffix)) throw new Error(`${sample.name} is no sample of ${family.name}`)
      if (family.type === "histogram" && ("le" in sample.labels) !== sample.name.endsWith("_bucket")) throw new Error(`le is of buckets alone: ${line}`)
      if (family.type === "summary" && "quantile" in sample.labels && sample.name !== family.name) throw new Error(`no quantile here: ${line}`)
      const identity = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`
      if (seen.has(identity)) throw new Error(`twice: ${identity}`)
      seen.add(identity)
      family.samples.push(sample)
    }
  }
  for (const family of families) if (family.type === "histogram") checkHistogram(family)
  return families
}

const readSample = (line: string): Sample => {
  let at = 0
  while (at < line.length && /[a-zA-Z0-9_:]/.test(line[at]!)) at++
  const name = line.slice(0, at)
  if (!metricName.test(name)) throw new Error(`bad name in ${line}`)
  const labels: Record<string, string> = {}
  if (line[at] === "{") {
    at++
    while (line[at] !== "}") {
      const equals = line.indexOf("=", at)
      const label = line.slice(at, equals)
      if (!labelName.test(label) || label.startsWith("__")) throw new Error(`bad label ${label} in ${line}`)
      if (label in labels) throw new Error(`label ${label} twice in ${line}`)
      if (line[equals + 1] !== "\"") throw new Error(`no quote in ${line}`)
      let value = ""
      at = equals + 2
      for (;; at++) {
        const character = line[at]
        if (character === undefined) throw new Error(`an open quote in ${line}`)
        if (character === "\"") break
        if (character !== "\\") value += character
        else {
          const escaped = ({ "\\": "\\", n: "\n", "\"": "\"" } as Record<string, string>)[line[++at]!]
          if (escaped === undefined) throw new Error(`bad escape in ${line}`)
          value += escaped
        }
      }
      labels[label] = value
      at++
      if (line[at] === ",") at++
      else if (line[at] !== "}") throw new Error(`bad labels in ${line}`)
    }
    at++
  }
  if (line[at] !== " ") throw new Error(`no value in ${line}`)
  const text = line.slice(at + 1)
  const value = text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : text === "NaN" ? NaN : Number(text)
  if (text === "" || text.includes(" ") || (Number.isNaN(value) && text !== "NaN")) throw new Error(`bad value in ${line}`)
  return { name, labels, value }
}

/** Buckets grow, end in `+Inf`, and that is the count. */
const checkHistogram = ({ name, samples }: Family): void => {
  const groups = new Map<string, Array<Sample>>()
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels
    const key = JSON.stringify(Object.entries(labels).sort())
    groups.set(key, [...groups.get(key) ?? [], sample])
  }
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`)
    const count = group.find((sample) => sample.name === `${name}_count`)
    if (count === undefined || !group.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name}: no count or sum`)
    const bounds = buckets.map(({ labels }) => labels.le === "+Inf" ? Infinity : Number(labels.le))
    if (bounds.some(Number.isNaN) || bounds.at(-1) !== Infinity) throw new Error(`${name}: buckets must end in +Inf`)
    for (let at = 1; at < buckets.length; at++) {
      if (bounds[at]! <= bounds[at - 1]! || buckets[at]!.value < buckets[at - 1]!.value) throw new Error(`${name}: buckets must grow`)
    }
    if (buckets.at(-1)!.value !== count.value) throw new Error(`${name}: +Inf must be the count`)
  }
}
