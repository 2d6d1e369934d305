/** Runs benchmarks: all of them, or those named. Progress on standard error; results in bench/RESULTS.md. */
interface Bench {
  /** Measures, and returns the text of its section. */
  measure(say: (text: string) => void): Promise<string>
}

const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  agent: () => import('./agent/bench.ts'),
  apiserver: () => import('./apiserver/bench.ts'),
  bgp: () => import('./bgp/bench.ts'),
  connections: () => import('./connections/bench.ts'),
  datapath: () => import('./datapath/bench.ts'),
  failover: () => import('./failover/bench.ts'),
  gateway: () => import('./gateway/bench.ts'),
  lab: () => import('./lab/bench.ts'),
}

async function main(names: readonly string[]): Promise<void> {
  const { writeSection } = await import('./results.ts')
  for (const name of names) {
    const bench = await BENCHES[name]?.()
    if (bench === undefined) continue
    const text = await bench.measure((line) => process.stderr.write(`${name}: ${line}\n`))
    await writeSection(name, text)
    process.stdout.write(`${text}\n`)
  }
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in BENCHES))
if (unknown.length > 0) {
  process.stderr.write(`no benchmark is named ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}\n`)
  process.exitCode = 2
} else if (process.getuid?.() !== 0) {
  process.stderr.write(
    'error FW0102 Benchmarks make network namespaces, which only root can.\n  fix: Run the same command with sudo.\n',
  )
  process.exitCode = 1
} else await main(asked.length > 0 ? asked : Object.keys(BENCHES))
