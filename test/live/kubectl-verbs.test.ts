/** What users do with kubectl, typed as they would type it, in one lab: with the pinned kubectl, and with the machine's own if it has one. */
import { accessSync, constants, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { bringUpLab, type LiveLab } from '../support/live-lab.ts'
import { type Deeds, Desk, type DeskPlace } from './kubectl/desk.ts'
import { NODES } from './kubectl/nodes.ts'
import { PODS } from './kubectl/pods.ts'
import { SHOWING } from './kubectl/showing.ts'
import { WORKLOADS } from './kubectl/workloads.ts'
import { WRITING } from './kubectl/writing.ts'

const PINNED = resolve('.tools/kubectl')

/** A kubectl on PATH that is not the project's. */
function ofTheMachine(): string | undefined {
  const isProgram = (path: string): boolean => {
    try {
      accessSync(path, constants.X_OK)
      return realpathSync(path) !== realpathSync(PINNED)
    } catch {
      return false
    }
  }
  return (process.env.PATH ?? '')
    .split(':')
    .map((folder) => join(folder, 'kubectl'))
    .find(isProgram)
}

let lab: LiveLab
let home: string
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'fwt-kubectl-home-'))
  lab = await bringUpLab('t-kubectl')
})
afterAll(async () => {
  await lab?.down()
  rmSync(home, { recursive: true, force: true })
})

/** Those that leave nodes alone go side by side. */
const ASIDE: Deeds = { ...WRITING, ...SHOWING, ...PODS, ...WORKLOADS }

const machines = ofTheMachine()
const PROGRAMS = [
  ['the pinned kubectl', PINNED],
  [`the machine's own kubectl (${machines ?? 'skipped: there is none on PATH'})`, machines],
] as const

describe.each(PROGRAMS)('%s', (_name, program) => {
  const place = (): DeskPlace => ({ kubectl: program ?? '', kubeconfig: `/run/fairway/${lab.name}/kubeconfig/admin`, home })
  describe.skipIf(program === undefined)('in a namespace', () => {
    for (const [name, deed] of Object.entries(ASIDE))
      test.concurrent(name, { timeout: 60_000 }, async ({ expect }) => {
        await using desk = await Desk.sitDown(place())
        await deed(desk, expect)
      })
  })
  describe.skipIf(program === undefined)('with nodes', () => {
    for (const [name, deed] of Object.entries(NODES))
      test(name, { timeout: 60_000 }, async ({ expect }) => {
        await using desk = await Desk.sitDown(place())
        await deed(desk, expect)
      })
  })
})
