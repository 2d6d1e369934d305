/** One way in, as the text has it: a manifest, the node it must land on, and a transcript that must come out again. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { differences, type Exchange, parseTranscript } from './transcript.ts'

export interface Way {
  readonly title: string
  readonly folder: string
  /** Where the text's scheduler had put the pod; the other nodes are cordoned while it is placed. */
  readonly node: string
  /** What a user types to see it, from outside. */
  readonly url: string
  /** Another way's manifest that the text goes on from, by its folder. */
  readonly after?: string
  /** Commands for what the text has beside its manifest; and for what there is when all is in effect. */
  readonly settings?: { readonly before: readonly string[]; readonly await: readonly string[] }
  /** What the last command shows; the welcome page by default. */
  readonly shows?: string
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const L2 = `kubectl apply -f ${ROOT}examples/load-balancer/l2.yaml`

export const WAYS: readonly Way[] = [
  { title: 'hostNetwork', folder: 'host-network', node: 'optiplex-2', url: 'http://192.168.0.161' },
  { title: 'hostPort', folder: 'host-port', node: 'ubuntu-1', url: 'http://192.168.0.154' },
  { title: 'NodePort', folder: 'node-port', node: 'optiplex-2', url: 'http://192.168.0.240:30018' },
  {
    ...{ title: 'LoadBalancer', folder: 'load-balancer', node: 'ubuntu-1', url: 'http://192.168.9.0' },
    settings: {
      before: [L2],
      await: [
        "kubectl wait --for=jsonpath='{.status.loadBalancer.ingress}' service/nginx --timeout=30s",
        'curl -sS -o /dev/null -m 2 --retry 15 --retry-delay 1 --retry-all-errors http://192.168.9.0',
      ],
    },
  },
  ingressWay('hostNetwork', 'host-network.yaml', 'daemonset'),
  ingressWay('hostPort', 'host-port.yaml', 'daemonset'),
  ingressWay('LoadBalancer', 'load-balancer.yaml', 'deployment'),
]

/** The text names no class and no controller: there is one, of the class that is meant then. Its Service is that of the way before. */
function ingressWay(how: string, file: string, workload: string): Way {
  const gateways = `${ROOT}deploy/gateway`
  return {
    ...{
      title: `Ingress, ${how}`,
      folder: 'ingress',
      after: 'load-balancer',
      node: 'ubuntu-1',
      url: 'http://nginx.example.com/ping',
    },
    shows: '<center>nginx/',
    settings: {
      before: [
        L2,
        `kubectl apply -f ${gateways}/base.yaml -f ${gateways}/${file}`,
        'kubectl annotate ingressclass fairway ingressclass.kubernetes.io/is-default-class=true --overwrite',
        `kubectl rollout status ${workload}/fairway-gateway -n fairway-system --timeout=60s`,
      ],
      await: [
        "kubectl wait --for=jsonpath='{.status.loadBalancer.ingress}' ingress/nginx --timeout=30s",
        'curl -fsS -o /dev/null -m 2 --retry 15 --retry-delay 1 --retry-all-errors http://nginx.example.com',
      ],
    },
  }
}

/** Runs one line on the lab's client, as a user in `fairway lab shell` would. */
export type Shell = (
  line: string,
  input?: string,
) => Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>

export interface Step {
  /** Where, if it is not the lab's client. */
  readonly host?: string
  readonly command: string
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
  /** Sentences; none when the output is the text's. */
  readonly differences: readonly string[]
}

const read = (folder: string, file: string): string => readFileSync(new URL(`seed/${folder}/${file}`, import.meta.url), 'utf8')

export const manifestOf = ({ folder, after }: Way): string =>
  [...(after === undefined ? [] : [after]), folder].map((one) => read(one, 'manifest.yaml')).join('---\n')

export const transcriptOf = (way: Way): readonly Exchange[] => parseTranscript(read(way.folder, 'transcript.txt'))

/** Commands that clear the ground and put the pod where the text had it. The text leaves these to its reader. */
export function preparation(way: Way, nodes: readonly string[]): readonly string[] {
  const others = nodes.filter((node) => node !== way.node).join(' ')
  return [
    'kubectl delete service/nginx pod/nginx ingress/nginx --ignore-not-found',
    // a gateway of another way has the ports, or the address, that this one is about
    'kubectl delete daemonset,deployment,service fairway-gateway -n fairway-system --ignore-not-found',
    'kubectl wait --for=delete pod -l app.kubernetes.io/name=fairway-gateway -n fairway-system --timeout=90s',
    ...(way.settings?.before ?? []),
    `kubectl cordon ${others}`,
    'kubectl apply -f -',
    'kubectl wait --for=condition=Ready pod/nginx --timeout=30s',
    `kubectl uncordon ${others}`,
    ...(way.settings?.await ?? []),
  ]
}

/** Goes through one way, step by step, to the end whatever differs; `onStep` hears of each as it is done. */
export async function goThrough(
  way: Way,
  nodes: readonly string[],
  shell: Shell,
  onStep: (step: Step) => void,
): Promise<readonly Step[]> {
  const steps: Step[] = []
  const done = (step: Step): void => {
    steps.push(step)
    onStep(step)
  }
  for (const command of preparation(way, nodes)) {
    const result = await shell(command, command.endsWith('-f -') ? manifestOf(way) : undefined)
    done({
      command,
      ...result,
      differences: result.exitCode === 0 ? [] : [`exit code ${result.exitCode}: ${result.stderr.trim()}`],
    })
  }
  const isNodePortGiven = manifestOf(way).includes('nodePort:')
  for (const { command, output } of transcriptOf(way)) {
    const result = await shell(command)
    done({ command, ...result, differences: differences(output, result.stdout.trimEnd().split('\n'), isNodePortGiven) })
  }
  const { shows = '<title>Welcome to nginx!</title>' } = way
  const last = steps.at(-1)
  if (last?.stdout.includes(shows) === false) steps.push({ ...last, differences: [`"${shows}" is not there`] })
  return steps
}
