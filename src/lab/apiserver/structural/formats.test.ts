import { expect, test } from 'vitest'
import { formatCheck } from './formats.ts'

test.each<[string, readonly string[], readonly string[]]>([
  ['ipv4', ['1.2.3.4'], ['1.2.3', '01.2.3.4', '::1', '']],
  ['ipv6', ['::1', '::ffff:1.2.3.4'], ['fe80::1%eth0', '1.2.3.4']],
  ['cidr', ['10.0.0.1/8', '2001:db8::/32', '0.0.0.0/0'], ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/08', '::/129']],
  ['mac', ['00:00:5e:00:53:01', '00-00-5e-00-53-01', '0000.5e00.5301'], ['00:00:5e:00:53', '00:00-5e:00:53:01']],
  ['uri', ['http://a/b?c', '/a', 'https://[::1]:80/'], ['a', 'mailto:a', 'http://a b/', '/%zz', '']],
  ['hostname', ['a.example', 'a', 'A-b.c1.de'], ['-a', 'a..b', 'a_b']],
  ['email', ['a@b', 'A B <a@b.c>'], ['a', '@b', 'a@b@c']],
  ['date', ['2024-02-29', '2023-12-31'], ['2023-02-29', '2023-13-01', '2023-1-1']],
  [
    'date-time',
    ['2024-02-29T12:00:00Z', '2024-01-01t00:00:00.123+02:00'],
    ['2024-01-01', '2024-01-01T24:00:00Z', '2024-01-01T00:00:00'],
  ],
  ['duration', ['1h30m', '22 ns', '-1.5s', '3 days'], ['1', 'h', '']],
  ['byte', ['', 'YQ==', 'YWI='], ['YQ', 'Y===', '####']],
  ['uuid', ['123e4567-e89b-12d3-a456-426614174000', '123E4567E89B12D3A456426614174000'], ['123e4567']],
  ['uuid4', ['123e4567-e89b-42d3-a456-426614174000'], ['123e4567-e89b-12d3-a456-426614174000']],
  ['isbn', ['0321751043', '978-0321751041'], ['0321751044', 'x']],
  ['creditcard', ['4111 1111 1111 1111'], ['1']],
  ['ssn', ['123-45-6789'], ['1']],
  ['hexcolor', ['#fff', 'FFFFFF'], ['#ffff']],
  ['rgbcolor', ['rgb(0, 100,255)'], ['rgb(0,0,256)']],
  ['bsonobjectid', ['507f1f77bcf86cd799439011'], ['507f']],
  ['quantity', ['10Gi', '1.5', '1e3'], ['10Gib', '']],
  ['k8s-short-name', ['a-b'], ['a.b', 'A', 'a'.repeat(64)]],
  ['k8s-long-name', ['a-b.c'], ['a..b', 'A']],
  ['password', ['anything'], []],
])('%s', (format, good, bad) => {
  const check = formatCheck(format)
  expect(good.filter((text) => check?.(text) !== true)).toEqual([])
  expect(bad.filter((text) => check?.(text) !== false)).toEqual([])
})

test('formats that CustomResourceDefinitions do not check are ignored', () => {
  for (const format of ['int32', 'colour', 'constructor', 'toString']) expect(formatCheck(format)).toBeUndefined()
})
