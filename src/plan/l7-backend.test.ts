import { describe, expect, it } from 'vitest'
import { anIngress, anIngressWorld, anNginxIngress, aPath, served } from '../../test/support/ingress.ts'
import type { Ingress } from '../model/ingress.ts'
import type { Service } from '../model/world.ts'
import { createIngressPlanner } from './ingress.ts'

const OPTIONS = { httpPort: 80, httpsPort: 443, takesProxyProtocol: false, defaultCertificate: '' }
const RULES = { rules: [{ host: 'a.b', paths: [aPath('/', 'web')] }] }

/** What is planned for a Service `web` of one port. */
function planned(service: Partial<Service>, port: Readonly<Record<string, string>>, ingress: Ingress) {
  const web = served('web', '10.0.0.1')
  const ports = web.service.ports.map((one) => ({ ...one, ...port }))
  const planner = createIngressPlanner(OPTIONS)
  const services = [{ ...web, service: { ...web.service, ...service, ports } }]
  planner.update(anIngressWorld({ ingresses: [ingress], services }), [])
  const backends = [...planner.entries.values()].filter(({ kind }) => kind === 'backend')
  return { backends, findings: planner.findings }
}

describe('what servers speak', () => {
  it.each([
    ['', {}, 'http'],
    ['kubernetes.io/ws', {}, 'http'],
    ['kubernetes.io/wss', {}, 'https'],
    ['https', {}, 'https'],
    ['kubernetes.io/h2c', {}, 'h2c'],
    ['grpc', {}, 'h2c'],
    ['h2', {}, 'h2'],
    ['redis', {}, 'http'],
    ['__proto__', {}, 'http'],
    // the Ingress knows better
    ['https', { 'backend-protocol': 'HTTP' }, 'http'],
    ['', { 'backend-protocol': 'GRPCS' }, 'h2'],
    // goes through as it is
    ['https', { 'ssl-passthrough': 'true' }, 'http'],
  ])('is what the port and the Ingress say: %j %j %s', (appProtocol, said, protocol) => {
    const { backends, findings } = planned({}, { appProtocol }, anNginxIngress('a', said, RULES))
    expect(backends.map((one) => 'protocol' in one && one.protocol)).toContain(protocol)
    expect(findings).toEqual([])
  })
})

describe('the PROXY protocol', () => {
  it.each(['v1', 'v2'])('is spoken in the version that the Service asks for: %s', (proxyProtocol) => {
    expect(planned({ proxyProtocol }, {}, anIngress('a', RULES))).toMatchObject({ backends: [{ proxyProtocol }], findings: [] })
  })

  it('is not in one that there is not, and that is told', () => {
    const { backends, findings } = planned({ proxyProtocol: '2' }, {}, anIngress('a', RULES))
    expect(backends).toEqual([expect.not.objectContaining({ proxyProtocol: expect.anything() })])
    expect(findings.map(({ code, subjects }) => [code.code, subjects])).toEqual([
      ['FW0716', ['ingress/default/a', 'service/default/web']],
    ])
  })
})
