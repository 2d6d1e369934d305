import { expect, it } from 'vitest'
import { type Labels, withLabels } from './metrics.ts'

const OWNERS: Readonly<Record<string, Labels>> = {
  fe_0a: { listener: 'http' },
  b00001: { service: 'default/web', port: '80' },
  own_ff: { service: 'default/a"\\', port: '80' },
  own_00: {},
}

async function* linesOf(...lines: readonly string[]) {
  yield* lines
}

it.each([
  ['# TYPE haproxy_backend_status gauge', '# TYPE haproxy_backend_status gauge\n'],
  ['haproxy_process_nbthread 2', 'haproxy_process_nbthread 2\n'],
  ['haproxy_frontend_x{proxy="fe_0a"} 1', 'haproxy_frontend_x{proxy="fe_0a",listener="http"} 1\n'],
  [
    'haproxy_backend_x{proxy="b00001",code="2xx"} 1',
    'haproxy_backend_x{proxy="b00001",service="default/web",port="80",code="2xx"} 1\n',
  ],
  ['haproxy_backend_x{proxy="own_ff"} 1', 'haproxy_backend_x{proxy="own_ff",service="default/a\\"\\\\",port="80"} 1\n'],
  // answers of the gateway itself
  ['haproxy_backend_x{proxy="own_00"} 1', 'haproxy_backend_x{proxy="own_00"} 1\n'],
  ['haproxy_backend_x{proxy="be_unknown"} 1', 'haproxy_backend_x{proxy="be_unknown"} 1\n'],
  ['haproxy_backend_x{proxy="b00002"} 0', ''],
  ['haproxy_backend_x{proxy="table_0a"} 0', ''],
  ['haproxy_frontend_x{proxy="fe_metrics"} 9', ''],
])('%s', async (line, kept) => {
  expect(await withLabels(linesOf(line), (section) => OWNERS[section])).toBe(kept)
})

it('asks for labels of a server by its name', async () => {
  const asked: string[] = []
  const lines = linesOf('haproxy_server_x{proxy="b00001",server="srv_1"} 1', 'haproxy_server_y{proxy="b00001",server="srv_1"} 1')
  await withLabels(lines, (section, server) => {
    asked.push(`${section}/${server}`)
    return { address: '10.0.0.1:80' }
  })
  expect(asked).toEqual(['b00001/srv_1'])
})
