/** `make demo`: brings the lab up, goes through the ways in with the text's own lines, and leaves the lab running. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import pc from 'picocolors'
import { tryRun } from '../src/linux/run.ts'
import { goToPod } from './pod-routes.ts'
import { PLACEHOLDER_COLUMNS } from './transcript.ts'
import { goThrough, type Shell, type Step, WAYS } from './way.ts'

const FAIRWAY = fileURLToPath(new URL('../bin/fairway', import.meta.url))
const NODES = ['ubuntu-1', 'optiplex-1', 'optiplex-2']

const print = (text: string): void => void process.stdout.write(`${text}\n`)

const shellOn =
  (host: string): Shell =>
  (line, input) =>
    tryRun([FAIRWAY, 'lab', 'exec', host, '--', 'sh', '-c', line], input === undefined ? {} : { input })
const shells = { client: shellOn('client'), 'far-client': shellOn('far-client') }

function bringUp(): Promise<number> {
  return new Promise((resolve) => {
    spawn(FAIRWAY, ['lab', 'up', '--with', 'bgp'], { stdio: 'inherit' }).on('close', (exitCode) => resolve(exitCode ?? 1))
  })
}

function show(step: Step): void {
  print(pc.bold(`${step.host ?? ''}$ ${step.command}`))
  const lines = `${step.stdout}${step.exitCode === 0 ? '' : step.stderr}`.trimEnd().split('\n')
  print((lines.length > 6 ? [...lines.slice(0, 4), '...'] : lines).join('\n'))
  for (const sentence of step.differences) print(pc.red(`  x differs from the text: ${sentence}`))
}

function verdict(title: string, where: string, wrong: number, right: string): string {
  const mark = wrong === 0 ? pc.green('ok  ') : pc.red('FAIL')
  return `${mark} ${title.padEnd(21)} ${where.padEnd(36)} ${wrong === 0 ? right : `${wrong} differences`}`
}

async function main(): Promise<number> {
  if ((await bringUp()) !== 0) return 1
  const verdicts: string[] = []
  let failed = 0
  for (const way of WAYS) {
    print(`\n${pc.inverse(` ${way.title} `)}  the text's manifest: demo/seed/${way.folder}/manifest.yaml`)
    const steps = await goThrough(way, NODES, shells.client, show)
    const wrong = steps.flatMap((step) => step.differences).length
    failed += wrong
    verdicts.push(verdict(way.title, way.url, wrong, 'as in the text'))
  }
  print(`\n${pc.inverse(' pod IP ')}  announced by BGP: examples/bgp`)
  const wrong = (await goToPod(shells, show)).flatMap((step) => step.differences).length
  failed += wrong
  verdicts.push(verdict('pod IP', 'from far-client, behind two routers', wrong, 'refused before, reached after'))
  print(`\n${verdicts.join('\n')}`)
  print(
    pc.dim(
      `not compared (the machine's or the moment's): ${Object.keys(PLACEHOLDER_COLUMNS).join(', ')}, the last number of a pod address, and a node port that the manifest does not give`,
    ),
  )
  print('\nThe lab is still up. Next:')
  print('  bin/fairway lab exec far-client -- curl http://POD_IP:8080')
  print('  bin/fairway lab shell      a shell outside the cluster, where the lines above work as printed')
  print('  bin/fairway lab status     hosts, processes, addresses')
  print('  bin/fairway lab down       leaves nothing behind')
  return failed === 0 ? 0 : 1
}

process.exitCode = await main()
