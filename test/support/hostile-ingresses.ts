/** Hostile objects through all that makes a configuration of them, and back: the property of test/unit/ingress-hostile.test.ts and its long form. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandsFor, wholeScope } from '../../src/engine/haproxy/changes.ts'
import { ConfigFiles } from '../../src/engine/haproxy/config-files.ts'
import { type Directory, directoryAt } from '../../src/engine/haproxy/directory.ts'
import { Form } from '../../src/engine/haproxy/form.ts'
import { mapFile } from '../../src/engine/haproxy/maps.ts'
import { prepareDirectory } from '../../src/engine/haproxy/prepare.ts'
import { Shapes } from '../../src/engine/haproxy/shapes.ts'
import { Slots } from '../../src/engine/haproxy/slots.ts'
import { Wanted } from '../../src/engine/haproxy/wanted.ts'
import type { IngressWorld } from '../../src/model/ingress.ts'
import { createIngressPlanner } from '../../src/plan/ingress.ts'
import { mapLines } from './haproxy-lexer.ts'
import { type Compared, expectMeant } from './haproxy-reading.ts'
import { HostileObjects } from './hostile-objects.ts'
import { HostileText } from './hostile-text.ts'

const INGRESSES_OF_WORLD = 200

/** As many worlds as have so many strings. */
export async function expectHostileMeant(strings: number, seed: number): Promise<Compared> {
  const text = new HostileText(seed)
  const objects = new HostileObjects(text)
  const sum = { rules: 0, cases: 0, words: 0 }
  const dir = mkdtempSync(join(tmpdir(), 'fwt-hostile-'))
  try {
    await prepareDirectory(dir)
    while (text.made < strings) {
      const one = await compareWorld(dir, objects.world(INGRESSES_OF_WORLD))
      for (const name of ['rules', 'cases', 'words'] as const) sum[name] += one[name]
    }
    return sum
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function compareWorld(dir: string, world: IngressWorld): Promise<Compared> {
  const planner = createIngressPlanner({ httpPort: 80, httpsPort: 443, takesProxyProtocol: false, defaultCertificate: '' })
  const directory = directoryAt(dir)
  const wanted = new Wanted(new Form(), new Slots(), new Shapes())
  const change = wanted.form.take(planner.update(world, []))
  wanted.follow(change)
  wanted.grow(change)
  const files = new ConfigFiles(dir, directory)
  const parts = files.parts(wanted)
  let config = ''
  await files.replace(wanted, parts, async (folder) => {
    config = readdirSync(folder)
      .toSorted()
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n')
    return ''
  })
  const left = new Set([...wanted.form.left.keys(), ...leftOf(wanted)])
  return expectMeant(planner.entries, { config, maps: mapsTold(wanted, directory), left })
}

/** Rules whose section HAProxy has no form for. */
function leftOf(wanted: Wanted): readonly string[] {
  return [...wanted.form.entries.keys()].filter((key) => {
    const target = wanted.form.target(wanted.form.targetOf(key))
    return target !== undefined && (wanted.form.left.has(target.key) || wanted.refusalOf(target) !== '')
  })
}

/** As the runtime is told of them: all are new to it. */
function mapsTold(wanted: Wanted, directory: Directory) {
  const installed = {
    generation: '',
    pid: 1,
    maps: new Map(),
    servers: new Map(),
    leaving: new Set<string>(),
    certificates: new Map(),
  }
  const { next } = commandsFor(wanted, installed, wholeScope(wanted, installed, directory), directory)
  const names = new Map([...wanted.form.maps].map(([name, { id }]) => [mapFile(directory, id), name]))
  const maps = new Map([...names.values()].map((name) => [name, [] as (readonly [string, string])[]]))
  for (const command of next) {
    const [, file = '', lines = ''] = /^add map (\S+) <<\n([\s\S]*)$/.exec(command) ?? []
    maps.get(names.get(file) ?? '')?.push(...mapLines(lines))
  }
  return maps
}
