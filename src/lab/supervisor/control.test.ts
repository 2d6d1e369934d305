import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ProcessesState } from '../state.ts'
import { ControlServer, tellSupervisor, watchSupervisor } from './control.ts'

const STATE: ProcessesState = {
  version: 1,
  bootId: 'b',
  supervisor: { pid: 1, startTime: '1' },
  startedAtInMs: 0,
  processes: [],
}

let dir: string
let path: string
let server: ControlServer
let asked: string[]
let halting: PromiseWithResolvers<void>
let halted: PromiseWithResolvers<void>
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fwt-control-'))
  path = join(dir, 'control.sock')
  asked = []
  halting = Promise.withResolvers()
  halted = Promise.withResolvers()
  server = new ControlServer({
    status: () => STATE,
    stop: () => undefined,
    halt: async (host) => {
      asked.push(`halt ${host}`)
      halting.resolve()
      await halted.promise
    },
    boot: (host) => asked.push(`boot ${host}`),
  })
  await server.listen(path)
})
afterEach(() => {
  server.close()
  rmSync(dir, { recursive: true, force: true })
})
const soon = () => AbortSignal.timeout(5_000)

test('halt is answered when it is done, boot at once', async () => {
  let answered = false
  const telling = tellSupervisor(path, 'halt node-1', soon()).then(() => {
    answered = true
  })
  await halting.promise
  await tellSupervisor(path, 'boot node-2', soon())
  expect([asked, answered]).toEqual([['halt node-1', 'boot node-2'], false])
  halted.resolve()
  await telling
})

test('who asks and is killed before the answer does not take the supervisor along', async () => {
  const socket = createConnection(path)
  await once(socket, 'connect')
  socket.write('halt node-1\nand more that nobody reads\n')
  await halting.promise
  socket.destroy()
  await once(socket, 'close')
  halted.resolve()
  for await (const state of watchSupervisor(path, soon())) {
    expect(state).toEqual(STATE)
    break
  }
})

test('a watcher that is killed is forgotten, and others hear on', async () => {
  const socket = createConnection(path)
  await once(socket, 'connect')
  socket.write('watch\n')
  await once(socket, 'data')
  const others = watchSupervisor(path, soon())
  await others.next()
  socket.destroy()
  for (let i = 0; i < 3; i++) {
    server.publish()
    expect((await others.next()).value).toEqual(STATE)
  }
  await others.return(undefined)
})

test('words that are not known are answered with the end', async () => {
  await expect(tellSupervisor(path, 'dance', soon())).rejects.toThrow('supervisor ended')
})
