/** What the pages show is what works: their blocks are run as printed, in one lab, each page in a namespace of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseTopology } from '../../src/lab/topology-file/parse.ts'
import { type RunResult, tryRun } from '../../src/linux/run.ts'
import { type Block, PAGES, readBlocks } from '../support/docs-blocks.ts'
import { bringUpLab, FAIRWAY, type LiveLab } from '../support/live-lab.ts'

const KUBECTL = resolve('.tools/kubectl')

let lab: LiveLab
beforeAll(async () => {
  lab = await bringUpLab('t-docs', '--with', 'bgp')
})
afterAll(() => lab?.down())

/** Where the lines of one page are typed. */
class Page implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'fwt-docs-'))
  readonly namespace: string
  readonly #isAtRoot: boolean

  constructor(page: string) {
    this.#isAtRoot = !page.includes('/')
    this.namespace = `docs-${(page.split('/').at(-1) ?? '').replace(/\.md$/, '').toLowerCase()}`
  }

  /** Kubeconfigs, of the machine and of the lab's hosts, for the page's own namespace. */
  async open(): Promise<void> {
    for (const user of ['admin', 'client']) {
      const env = { KUBECONFIG: `/run/fairway/${lab.name}/kubeconfig/${user}` }
      writeFileSync(join(this.dir, user), (await tryRun([KUBECTL, 'config', 'view', '--raw', '--flatten'], { env })).stdout)
      await tryRun([
        KUBECTL,
        '--kubeconfig',
        join(this.dir, user),
        'config',
        'set-context',
        '--current',
        '--namespace',
        this.namespace,
      ])
    }
    worked(this.namespace, await this.onMachine(`kubectl create namespace ${this.namespace}`))
  }

  onMachine(script: string): Promise<RunResult> {
    const env = {
      FAIRWAY_LAB: lab.name,
      KUBECONFIG: join(this.dir, 'admin'),
      PATH: `${dirname(FAIRWAY)}:${dirname(KUBECTL)}:${process.env.PATH}`,
    }
    return tryRun(['sh', '-ec', `cd ${this.#isAtRoot ? process.cwd() : this.dir}\n${script}`], { env })
  }

  onHost(host: string, script: string): Promise<RunResult> {
    return lab.on(host, `set -e\nexport KUBECONFIG=${join(this.dir, 'client')}\n${script}`)
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** What was printed. @throws {Error} with it, when the script failed */
function worked(script: string, { exitCode, stdout, stderr }: RunResult): string {
  if (exitCode !== 0) throw new Error(`${script}\n${stdout}${stderr}exit code ${exitCode}`)
  return `${stdout}${stderr}`
}

/** The lab is needed by the blocks after it; that it goes is held by other tests. */
const withoutTheEnd = (script: string): string => script.replaceAll(/^.*fairway lab down.*$/gm, '')

async function follow(page: Page, { language, mark, text }: Block): Promise<void> {
  if (language === 'console') {
    const lines = text.trimEnd().split('\n')
    const script = lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2))
    const said = worked(text, await page.onMachine(withoutTheEnd(script.join('\n'))))
    for (const line of lines.filter((each) => !each.startsWith('$ '))) expect(said).toContain(line)
  } else if (language === 'sh') {
    const [, host] = /^run on (.*)$/.exec(mark) ?? []
    worked(text, await (host === undefined ? page.onMachine(withoutTheEnd(text)) : page.onHost(host, text)))
  } else if (mark === 'apply') {
    const file = join(page.dir, 'manifest.yaml')
    writeFileSync(file, text)
    const script = `kubectl apply -f ${file}\nkubectl wait pods --all --for=condition=Ready --timeout=30s`
    worked(text, await page.onMachine(script))
  } else if (mark === 'topology') expect(parseTopology(text).nodes).not.toEqual([])
  else if (mark === 'image') {
    const { name } = JSON.parse(text) as { readonly name: string }
    writeFileSync(`/run/fairway/${lab.name}/images/${name}.json`, text)
    const script = `fairway lab image list\nkubectl run image --image=${name}\nkubectl wait pod/image --for=condition=Ready --timeout=30s`
    expect(worked(text, await page.onMachine(script))).toMatch(new RegExp(`^${name} `, 'm'))
  }
}

describe.each(
  PAGES.map((page) => [page, readBlocks(page).filter(({ mark }) => mark !== '' && !mark.startsWith('shown: '))] as const),
)('%s', (name, blocks) => {
  test.skipIf(blocks.length === 0)('its blocks work in their order', { timeout: 120_000 }, async () => {
    using page = new Page(name)
    await page.open()
    for (const block of blocks) await follow(page, block)
    await page.onMachine(`kubectl delete namespace ${page.namespace} --wait=false`)
  })
})
