/** Reads back what `config.ts` wrote. */
import { type Announcement, type BgpEntry, type BgpSession, type BgpSpeaker, type BgpWatch, routeKey } from '../../model/bgp.ts'

/** The files of one generation. */
export interface BirdFiles {
  readonly main: string
  readonly routes: string
}

/**
 * The entries that the files were made of: speaker, sessions and watches from their remarks, routes from their lines. What cannot be read is
 * left out: it is then written anew.
 */
export function observeFiles(files: BirdFiles): ReadonlyMap<string, BgpEntry> {
  const entries = new Map<string, BgpEntry>()
  for (const [, kind, json = ''] of files.main.matchAll(/^# (speaker|session|watch) (\{.*\})$/gm)) {
    const value = parsed(json) as BgpSpeaker | BgpSession | BgpWatch | undefined
    if (value !== undefined && value.kind === kind && typeof value.key === 'string') entries.set(value.key, value)
  }
  const forms = new Map<string, readonly Announcement[]>()
  for (const [, form = '', json = ''] of files.routes.matchAll(/^# form (\d+) (\[.*\])$/gm)) {
    const value = parsed(json)
    if (Array.isArray(value)) forms.set(form, value as readonly Announcement[])
  }
  for (const [, prefix = '', form = ''] of files.routes.matchAll(/^route (\S+) unreachable \{ fw_form = (\d+); \};$/gm)) {
    const announcements = forms.get(form)
    if (announcements === undefined) continue
    const key = routeKey(prefix)
    entries.set(key, { kind: 'route', key, family: prefix.includes(':') ? 'ipv6' : 'ipv4', prefix, announcements })
  }
  return entries
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** The session whose block has that line (from 1) of `bird.conf`; undefined when the line is no session's. */
export function sessionAt(main: string, line: number): string | undefined {
  const before = main
    .split('\n')
    .slice(0, line)
    .findLast((text) => /^# (session|speaker|watch) |^include |^ipv4 table fw_live/.test(text))
  const session = /^# session (.*)$/.exec(before ?? '')?.[1]
  return session === undefined ? undefined : (parsed(session) as BgpSession | undefined)?.key
}
