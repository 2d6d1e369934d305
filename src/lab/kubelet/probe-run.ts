/** Runs one probe once, from the node's network as a real kubelet does. */
import { spawn } from 'node:child_process'
import { type ClientRequest, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { Container, Probe } from '../../kube/types.ts'
import { execCommand, type RunningPlace } from './sandbox.ts'

export interface ProbeResult {
  readonly success: boolean
  /** Why not, in Kubernetes' words; '' on success. */
  readonly message: string
  /** Nothing listened yet. */
  readonly refused: boolean
}

export interface ProbeTarget extends RunningPlace {
  readonly podIP: string
  readonly container: Container
  /** The container's environment. */
  readonly env: Readonly<Record<string, string>>
  readonly timeoutInMs: number
}

const SUCCESS: ProbeResult = { success: true, message: '', refused: false }
const failed = (message: string, refused = false): ProbeResult => ({ success: false, message, refused })

/** Never throws; the message says what failed. A probe without an action succeeds. */
export function runProbe(probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  if (probe.httpGet !== undefined) return probeHttp(probe.httpGet, target)
  if (probe.tcpSocket !== undefined) return probeTcp(probe.tcpSocket, target)
  if (probe.exec !== undefined) return probeExec(probe.exec.command ?? [], target)
  if (probe.grpc !== undefined)
    return Promise.resolve(failed('the lab has no gRPC probes: use httpGet, tcpSocket or exec instead'))
  return Promise.resolve(SUCCESS)
}

/** The number of a port that may be given by name; 0 when the container has no such port. */
export function probePort(port: number | string, container: Container): number {
  if (typeof port === 'number') return port
  return container.ports?.find((each) => each.name === port)?.containerPort ?? (/^\d+$/.test(port) ? Number(port) : 0)
}

const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

function probeHttp(action: NonNullable<Probe['httpGet']>, target: ProbeTarget): Promise<ProbeResult> {
  const port = probePort(action.port, target.container)
  if (port === 0) return Promise.resolve(failed(`couldn't find port: ${action.port}`))
  const host = action.host || target.podIP
  const secure = action.scheme === 'HTTPS'
  const path = action.path?.startsWith('/') ? action.path : `/${action.path ?? ''}`
  const url = `${secure ? 'https' : 'http'}://${hostPort(host, port)}${path}`
  const headers = Object.fromEntries((action.httpHeaders ?? []).map(({ name, value }) => [name, value]))
  return new Promise((resolve) => {
    const options = {
      host,
      port,
      path,
      agent: false,
      rejectUnauthorized: false,
      headers: { 'user-agent': 'kube-probe/1.36', ...headers },
    } as const
    const request: ClientRequest = (secure ? httpsRequest : httpRequest)(options, (response) => {
      response.resume()
      const status = response.statusCode ?? 0
      resolve(status >= 200 && status < 400 ? SUCCESS : failed(`HTTP probe failed with statuscode: ${status}`))
      response.on('end', () => clearTimeout(timer))
      response.on('error', () => undefined)
    })
    const timer = setTimeout(() => {
      resolve(failed(`Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`))
      request.destroy()
    }, target.timeoutInMs)
    request.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      resolve(failed(`Get "${url}": ${dialError(error, host, port)}`, error.code === 'ECONNREFUSED'))
    })
    request.end()
  })
}

function probeTcp(action: NonNullable<Probe['tcpSocket']>, target: ProbeTarget): Promise<ProbeResult> {
  const port = probePort(action.port, target.container)
  if (port === 0) return Promise.resolve(failed(`couldn't find port: ${action.port}`))
  const host = action.host || target.podIP
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: target.timeoutInMs })
    const end = (result: ProbeResult) => {
      resolve(result)
      socket.destroy()
    }
    socket.on('connect', () => end(SUCCESS))
    socket.on('timeout', () => end(failed(`dial tcp ${hostPort(host, port)}: i/o timeout`)))
    socket.on('error', (error: NodeJS.ErrnoException) => end(failed(dialError(error, host, port), error.code === 'ECONNREFUSED')))
  })
}

function dialError(error: NodeJS.ErrnoException, host: string, port: number): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: `dial tcp ${hostPort(host, port)}: connect: connection refused`,
    ENETUNREACH: `dial tcp ${hostPort(host, port)}: connect: network is unreachable`,
    EHOSTUNREACH: `dial tcp ${hostPort(host, port)}: connect: no route to host`,
    ECONNRESET: 'EOF',
  }
  return words[error.code ?? ''] ?? error.message
}

function probeExec(command: readonly string[], target: ProbeTarget): Promise<ProbeResult> {
  const [program = '', ...args] = execCommand(target, command)
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: target.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: target.timeoutInMs,
      killSignal: 'SIGKILL',
    })
    let output = ''
    const take = (chunk: Buffer) => {
      if (output.length < 10_240) output += chunk.toString()
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', (error) => resolve(failed(error.message)))
    child.on('close', (code, signal) => {
      if (code === 0) resolve(SUCCESS)
      else
        resolve(
          failed(
            signal === null
              ? output
              : `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${target.timeoutInMs / 1000}s`,
          ),
        )
    })
  })
}
