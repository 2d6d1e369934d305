/**
 * The one room that knows every role. `fairway ROLE ...` runs a process of the product or of the lab; anything else is the
 * command line. Roles are imported lazily, so that none pays for another's modules.
 */
interface Role {
  main(args: readonly string[]): Promise<void>
}

const ROLES: Readonly<Record<string, () => Promise<Role>>> = {
  agent: () => import('./agent/main.ts'),
  controller: () => import('./controller/main.ts'),
  gateway: () => import('./gateway/main.ts'),
  'lab-apiserver': () => import('./lab/apiserver/main.ts'),
  'lab-controllers': () => import('./lab/controllers/main.ts'),
  'lab-kubelet': () => import('./lab/kubelet/main.ts'),
  'lab-router': () => import('./lab/routers/main.ts'),
  'lab-supervisor': () => import('./lab/supervisor/main.ts'),
  'lab-echo': () => import('./lab/images/echo.ts'),
}

const [word = '', ...rest] = process.argv.slice(2)
const role = ROLES[word]
if (role === undefined) await (await import('./cli/main.ts')).main(process.argv.slice(2))
else await (await role()).main(rest)
