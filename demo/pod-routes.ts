/** The way in by a pod's own address: it cannot be reached, until nodes tell the router where it is. */
import { fileURLToPath } from 'node:url'
import type { Shell, Step } from './way.ts'

/** Runs lines on the hosts of the lab. */
export type Shells = Readonly<Record<'client' | 'far-client', Shell>>

const EXAMPLES = fileURLToPath(new URL('../examples/bgp', import.meta.url))
const MANIFESTS: readonly string[] = ['peers.yaml', 'pod-routes.yaml'].map((file) => `${EXAMPLES}/${file}`)
/** Who asks, as the pod must see it. */
const FAR_CLIENT: readonly string[] = ['172.30.0.10', 'fd00:172:30::10']

const FILES = MANIFESTS.map((file) => `-f ${file}`).join(' ')
/** A session takes a moment. */
const RETRY = '--retry 20 --retry-delay 1 --retry-all-errors'

/** Goes through it to the end, whatever differs; `onStep` hears of each step as it is done. */
export async function goToPod(shells: Shells, onStep: (step: Step) => void): Promise<readonly Step[]> {
  const steps: Step[] = []
  const follow = async (host: keyof Shells, command: string, judge: (step: Outcome) => string | undefined): Promise<string> => {
    const result = await shells[host](command)
    const difference = judge(result)
    const step = { host, command, ...result, differences: difference === undefined ? [] : [difference] }
    steps.push(step)
    onStep(step)
    return result.stdout.trim()
  }
  await follow('client', `kubectl delete ${FILES} --ignore-not-found`, worked)
  await follow('client', 'kubectl delete pod/echo --ignore-not-found', worked)
  await follow('client', 'kubectl run echo --image=fairway/echo --port=8080', worked)
  await follow('client', 'kubectl wait --for=condition=Ready pod/echo --timeout=30s', worked)
  const addresses = await follow('client', "kubectl get pod echo -o jsonpath='{.status.podIPs[*].ip}'", worked)
  const urls = addresses.split(' ').map((address) => `http://${address.includes(':') ? `[${address}]` : address}:8080`)
  for (const url of urls) await follow('far-client', `curl -sS -g -m 5 '${url}'`, refused)
  await follow('client', `kubectl apply ${FILES}`, worked)
  for (const [index, url] of urls.entries())
    await follow('far-client', `curl -s -g -m 5 ${RETRY} '${url}'`, (outcome) => seenAs(FAR_CLIENT[index] ?? '', outcome))
  return steps
}

type Outcome = Awaited<ReturnType<Shell>>

function worked({ exitCode, stderr }: Outcome): string | undefined {
  return exitCode === 0 ? undefined : `exit code ${exitCode}: ${stderr.trim()}`
}

function refused({ exitCode }: Outcome): string | undefined {
  return exitCode === 0 ? 'the pod is reached before anything is announced' : undefined
}

/** The echo server says who asked. */
function seenAs(address: string, { exitCode, stdout, stderr }: Outcome): string | undefined {
  if (exitCode !== 0) return `exit code ${exitCode}: ${stderr.trim()}`
  const seen = (JSON.parse(stdout) as { readonly client: { readonly address: string } }).client.address
  return seen === address ? undefined : `the pod sees ${seen}, and the client is ${address}`
}
