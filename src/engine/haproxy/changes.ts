/** What the running HAProxy is to be told, so that it does what is wanted: commands, from the difference of the two. */
import type { Directory } from './directory.ts'
import type { Installed, InstalledServer } from './installed.ts'
import { mapFile } from './maps.ts'
import { commandWord } from './syntax.ts'
import { serverWords } from './target.ts'
import type { Wanted } from './wanted.ts'

/** Lines of one payload: a line longer than HAProxy's buffer (16 KiB) would be cut. */
const PAYLOAD_LENGTH = 12_000

/** What is to be compared: keys by the text of their map, and sections. */
export interface Scope {
  readonly lookups: ReadonlyMap<string, Iterable<string>>
  readonly sections: Iterable<string>
}

export interface Commands {
  /** Servers come before what sends to them, and go after it. */
  readonly first: string[]
  readonly next: string[]
  readonly last: string[]
}

/** All that is wanted or installed. */
export function wholeScope(wanted: Wanted, installed: Installed, directory: Directory): Scope {
  const lookups = [...wanted.form.maps].map(([text, { id, rules }]) => {
    const there = installed.maps.get(mapFile(directory, id))
    return [text, new Set([...rules.keys(), ...(there?.keys() ?? [])])] as const
  })
  return { lookups: new Map(lookups), sections: new Set([...wanted.sections, ...installed.servers.keys()]) }
}

/** Notes in `installed` what the commands will have done. */
export function commandsFor(wanted: Wanted, installed: Installed, scope: Scope, directory: Directory): Commands {
  const commands: Commands = { first: [], next: [], last: [] }
  for (const section of scope.sections) compareServers(section, wanted, installed, commands)
  for (const [text, keys] of scope.lookups) compareMap(text, keys, { wanted, installed, directory }, commands)
  return commands
}

function compareServers(section: string, wanted: Wanted, { servers, leaving }: Installed, { first, last }: Commands): void {
  const there = servers.get(section) ?? new Map<string, InstalledServer>()
  servers.set(section, there)
  const names = new Set<string>()
  for (const server of wanted.servers(section)) {
    const { name, weight } = server
    const path = `${section}/${name}`
    names.add(name)
    const known = there.get(name)
    if (known === undefined) first.push(`add server ${path} ${serverWords(server).text}`, `enable server ${path}`)
    else {
      if (known.weight !== weight) first.push(`set weight ${path} ${weight}`)
      if (!known.isOn) first.push(`enable server ${path}`)
    }
    there.set(name, { weight, isOn: true })
    leaving.delete(path)
  }
  for (const [name, server] of there) {
    if (names.has(name) || !server.isOn) continue
    last.push(`disable server ${section}/${name}`)
    server.isOn = false
    leaving.add(`${section}/${name}`)
  }
}

interface Around {
  readonly wanted: Wanted
  readonly installed: Installed
  readonly directory: Directory
}

function compareMap(text: string, keys: Iterable<string>, { wanted, installed, directory }: Around, { next }: Commands): void {
  const map = wanted.form.maps.get(text)
  if (map === undefined) return
  const file = mapFile(directory, map.id)
  const there = installed.maps.get(file) ?? new Map<string, string>()
  installed.maps.set(file, there)
  const added: string[] = []
  for (const key of keys) {
    const value = wanted.valueOf(text, key)
    const known = there.get(key)
    if (value === known) continue
    if (value === undefined) {
      next.push(`del map ${file} ${commandWord(key)}`)
      there.delete(key)
      continue
    }
    if (known === undefined) added.push(`${key} ${value}`)
    else next.push(`set map ${file} ${commandWord(key)} ${value}`)
    there.set(key, value)
  }
  next.unshift(...payloads(`add map ${file}`, added))
}

/** As few commands as will do. */
function payloads(command: string, lines: readonly string[]): readonly string[] {
  const all: string[] = []
  let text = ''
  for (const line of lines) {
    if (text.length + line.length > PAYLOAD_LENGTH) {
      all.push(`${command} <<\n${text}`)
      text = ''
    }
    text += `${line}\n`
  }
  return text === '' ? all : [...all, `${command} <<\n${text}`]
}
