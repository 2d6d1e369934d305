/** What people write by hand for the same: HAProxy with a map of hosts, and nginx with a server for each; a change is a new file and a reload. */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Contestant, hostOf, type Processes, podOf } from './contestant.ts'
import { POD_PORT, type Site } from './site.ts'

const EARLY_IN_MS = 200

abstract class ByHand implements Contestant {
  abstract readonly name: string
  abstract readonly port: number
  private readonly pods: string[] = []
  private child: ChildProcess | undefined
  protected folder = ''

  async open(site: Site, routes: number): Promise<void> {
    this.folder = join(site.folder, `${this.port}`)
    mkdirSync(this.folder, { recursive: true })
    for (let route = 0; route < routes; route++) this.pods.push(podOf(route, 0))
    this.write(this.pods)
    this.child = site.start(site.gateway, this.command)
    this.follow(this.child)
    await site.until({ port: this.port, host: hostOf(routes - 1), want: podOf(routes - 1, 0) }).promise
  }

  add(route: number): Promise<void> {
    return this.move(route, 0)
  }

  async move(route: number, turn: number): Promise<void> {
    this.pods[route] = podOf(route, turn)
    this.write(this.pods)
    this.child?.kill(this.reloadSignal)
  }

  /** Resolves when another reload may be asked for. */
  async rest(): Promise<void> {}

  get processes(): readonly Processes[] {
    return [{ name: this.name, pids: [this.child?.pid ?? 0] }]
  }

  async close(): Promise<void> {
    this.child?.kill('SIGTERM')
  }

  protected follow(_child: ChildProcess): void {}

  protected abstract readonly command: readonly string[]
  protected abstract readonly reloadSignal: 'SIGHUP' | 'SIGUSR2'
  protected abstract write(pods: readonly string[]): void
}

export class HaproxyByHand extends ByHand {
  readonly name = 'HAProxy by hand'
  readonly port = 81
  protected readonly reloadSignal = 'SIGUSR2'
  private loaded = Promise.withResolvers<void>()

  /** A master that still starts its last worker loses the next signal; it says when it is done, but a little too early. */
  override async rest(): Promise<void> {
    await this.loaded.promise
    await setTimeout(EARLY_IN_MS)
  }

  override move(route: number, turn: number): Promise<void> {
    this.loaded = Promise.withResolvers()
    return super.move(route, turn)
  }

  protected override follow({ stderr }: ChildProcess): void {
    stderr?.on('data', (chunk: Buffer) => {
      if (chunk.includes('Loading success')) this.loaded.resolve()
    })
  }

  protected get command(): readonly string[] {
    return ['haproxy', '-W', '-db', '-f', join(this.folder, 'haproxy.cfg')]
  }

  protected write(pods: readonly string[]): void {
    writeFileSync(join(this.folder, 'hosts.map'), pods.map((_, route) => `${hostOf(route)} r${route}\n`).join(''))
    const backends = pods.map((pod, route) => `backend r${route}\n  server s1 ${pod}:${POD_PORT}\n`)
    writeFileSync(join(this.folder, 'haproxy.cfg'), `${this.head}${backends.join('')}`)
  }

  private get head(): string {
    return `global
  log stdout format raw local0
defaults
  mode http
  log global
  log-format '${JSON_OF_HAPROXY}'
  unique-id-format %[uuid()]
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
  option idle-close-on-response
frontend web
  bind :${this.port}
  capture request header Host len 255
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Real-IP %[src]
  http-request set-header Forwarded 'for=%[src];proto=http'
  http-request set-header X-Request-ID %[unique-id] unless { req.hdr(x-request-id) -m found }
  use_backend %[req.hdr(host),host_only,lower,map_str(${join(this.folder, 'hosts.map')})]
`
  }
}

export class NginxByHand extends ByHand {
  readonly name = 'nginx by hand'
  readonly port = 82
  protected readonly reloadSignal = 'SIGHUP'

  protected get command(): readonly string[] {
    return ['nginx', '-p', this.folder, '-c', 'nginx.conf', '-e', 'stderr']
  }

  protected write(pods: readonly string[]): void {
    const servers = pods.map(
      (pod, route) => `  upstream u${route} { server ${pod}:${POD_PORT}; keepalive 32; }
  server { listen ${this.port}; server_name ${hostOf(route)}; location / { proxy_pass http://u${route}; } }
`,
    )
    const other = `  server { listen ${this.port} default_server; return 404; }\n`
    writeFileSync(join(this.folder, 'nginx.conf'), `${HEAD}${other}${servers.join('')}}\n`)
  }
}

const JSON_OF_HAPROXY =
  '{"time":"%[date,utime(%Y-%m-%dT%H:%M:%SZ)]","client":"%ci","method":"%HM","host":"%[capture.req.hdr(0),json(utf8s)]","uri":"%[capture.req.uri,json(utf8s)]","status":%ST,"bytes":%B,"total":%Ta,"section":"%b","server":"%s","end":"%ts","id":"%[unique-id,json(utf8s)]"}'

const JSON_OF_NGINX =
  '{"time":"$time_iso8601","client":"$remote_addr","method":"$request_method","host":"$host","uri":"$request_uri","status":$status,"bytes":$bytes_sent,"total":$request_time,"server":"$upstream_addr","id":"$request_id"}'

const HEAD = `daemon off; worker_processes auto; pid nginx.pid; error_log stderr error;
events { worker_connections 4096; }
http {
  log_format told escape=json '${JSON_OF_NGINX}';
  access_log /dev/null told; keepalive_requests 1000000; server_names_hash_max_size 65536; server_names_hash_bucket_size 64;
  client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Host $host;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Port $server_port;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header Forwarded "for=$remote_addr;proto=$scheme";
  proxy_set_header X-Request-ID $request_id;
`
