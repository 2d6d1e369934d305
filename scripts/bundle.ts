/** `make dist`: what ships, into dist/ (or the folder named). Node refuses TypeScript under node_modules, so the programs are bundled; koffi is native and stays a dependency. */
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const file = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

const outdir = process.argv[2] ?? file('dist')
rmSync(outdir, { recursive: true, force: true })
await build({
  entryPoints: [
    file('src/main.ts'),
    file('src/linux/netlink-worker.ts'),
    file('src/linux/packet-worker.ts'),
    file('src/engine/nftables/read-worker.ts'),
  ],
  entryNames: '[name]',
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  external: ['koffi'],
  legalComments: 'linked',
  sourcemap: true,
  // Packages in CommonJS call require for Node's own modules.
  banner: { js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);" },
})
