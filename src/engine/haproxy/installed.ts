/** What the running HAProxy has, asked of itself. */
import { FairwayError } from '../../model/code.ts'
import type { Directory } from './directory.ts'
import { isTarget } from './sections.ts'
import { ask } from './socket.ts'

export interface InstalledServer {
  weight: number
  /** Whether it takes requests; one that does not goes once its connections have ended. */
  isOn: boolean
}

export interface Installed {
  /** Of the configuration that was loaded last; '' when it has none of ours. */
  readonly generation: string
  readonly pid: number
  /** By file: what each key says. */
  readonly maps: Map<string, Map<string, string>>
  /** By section and name. */
  readonly servers: Map<string, Map<string, InstalledServer>>
  /** `SECTION/NAME` of those that are not on. */
  readonly leaving: Set<string>
  /** By list: the line of each file. */
  readonly certificates: Map<string, Map<string, string>>
}

/** @throws {EngineError} HAPROXY_AWAY */
export async function readInstalled({ runtime, maps, certificates }: Directory): Promise<Installed> {
  const { generation, pid } = await readProcess(runtime)
  const installed: Installed = {
    generation,
    pid,
    maps: new Map(),
    servers: new Map(),
    leaving: new Set(),
    certificates: new Map(),
  }
  for (const file of named(await ask(runtime, 'show map'), maps))
    installed.maps.set(file, mapOf(await ask(runtime, `show map ${file}`)))
  for (const line of (await ask(runtime, 'show servers state')).split('\n')) takeServer(line, installed)
  for (const list of named(await ask(runtime, 'show ssl crt-list'), certificates)) {
    const lines = (await ask(runtime, `show ssl crt-list ${list}`)).split('\n')
    installed.certificates.set(list, new Map(lines.flatMap((line) => linePair(line))))
  }
  return installed
}

/** @throws {EngineError} HAPROXY_AWAY */
export async function readProcess(runtime: string): Promise<Pick<Installed, 'generation' | 'pid'>> {
  const pid = Number(/^Pid: (\d+)/m.exec(await ask(runtime, 'show info'))?.[1] ?? 0)
  const generation = /value=<([^>]*)>/.exec(await ask(runtime, 'get var proc.generation'))?.[1] ?? ''
  return { generation, pid }
}

/** The SHA-1 fingerprint of a certificate in use; '' for none of that name. */
export async function readFingerprint({ runtime }: Directory, file: string): Promise<string> {
  try {
    return /^SHA1 FingerPrint: (\S+)/m.exec(await ask(runtime, `show ssl cert ${file}`))?.[1] ?? ''
  } catch (error) {
    if (error instanceof FairwayError) return ''
    throw error
  }
}

/** Files of a folder, among what is listed. */
function named(text: string, folder: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const [file] = /\/[^\s)]+/.exec(line) ?? []
    return file?.startsWith(`${folder}/`) ? [file] : []
  })
}

function linePair(line: string): readonly (readonly [string, string])[] {
  const [file] = /^\/\S+/.exec(line) ?? []
  return file === undefined ? [] : [[file, line.trim()]]
}

function mapOf(text: string): Map<string, string> {
  const entries = text.split('\n').flatMap((line) => {
    const [, key, value] = /^0x[0-9a-f]+ (\S+) (\S+)$/.exec(line) ?? []
    return key === undefined || value === undefined ? [] : [[key, value] as const]
  })
  return new Map(entries)
}

/** Source: management guide, `show servers state`: be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight ... */
function takeServer(line: string, { servers, leaving }: Installed): void {
  const [id = '', section = '', , name = '', , , admin = '', weight = ''] = line.split(' ')
  // servers of the gateway itself are the configuration's alone
  if (!/^\d+$/.test(id) || weight === '' || !isTarget(section)) return
  const all = servers.get(section) ?? new Map<string, InstalledServer>()
  const isOn = (Number(admin) & FORCED_MAINTENANCE) === 0
  servers.set(section, all.set(name, { weight: Number(weight), isOn }))
  if (!isOn) leaving.add(`${section}/${name}`)
}

/** SRV_ADMF_FMAINT: by the command line. */
const FORCED_MAINTENANCE = 1
