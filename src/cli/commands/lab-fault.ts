import { cutLink, cutNode, type FaultResult, startNode, stopNode } from '../../lab/inject.ts'
import { answer } from '../terminal.ts'

interface FaultOptions {
  readonly name: string
  /** Seconds; of `node start` alone. */
  readonly timeout?: number
}

const DEFAULT_TIMEOUT_IN_SECONDS = 60

const NODE_VERBS = {
  stop: { act: (lab: string, node: string) => stopNode(lab, node), done: 'is stopped', was: 'was stopped already' },
  start: { act: startNode, done: 'is up again', was: 'was not stopped' },
  cut: { act: (lab: string, node: string) => cutNode(lab, node, true), done: 'is cut off', was: 'was cut off already' },
  heal: { act: (lab: string, node: string) => cutNode(lab, node, false), done: 'is connected again', was: 'was not cut off' },
}

/** `fairway lab node stop|start|cut|heal NODE`: what is so already is no error. */
export async function labNode(verb: keyof typeof NODE_VERBS, node: string, options: FaultOptions): Promise<void> {
  const { act, done, was } = NODE_VERBS[verb]
  const { changed } = await act(options.name, node, (options.timeout ?? DEFAULT_TIMEOUT_IN_SECONDS) * 1_000)
  answer(`${node} ${changed ? done : was}`)
}

/** `fairway lab link cut|heal HOST [PEER]`. */
export async function labLink(
  verb: 'cut' | 'heal',
  hosts: { readonly host: string; readonly peer?: string },
  options: FaultOptions,
): Promise<void> {
  const { host, peer } = hosts
  const result = await cutLink(options.name, peer === undefined ? [host] : [host, peer], verb === 'cut')
  answer(`${peer === undefined ? host : `${host} and ${peer}`} ${linkWords(verb, peer !== undefined, result)}`)
}

function linkWords(verb: 'cut' | 'heal', pair: boolean, { changed }: FaultResult): string {
  const words = pair
    ? { cut: ['do not hear each other', 'did not hear each other already'], heal: ['hear each other again', 'were not cut off'] }
    : { cut: ['is cut off', 'was cut off already'], heal: ['is connected again', 'was not cut off'] }
  return words[verb][changed ? 0 : 1] ?? ''
}
