/** Names of fields as rules write them. Source: apiserver pkg/cel/escaping.go. */

const RESERVED: ReadonlySet<string> = new Set([
  ...[
    'true',
    'false',
    'null',
    'in',
    'as',
    'break',
    'const',
    'continue',
    'else',
    'for',
    'function',
    'if',
    'import',
    'let',
    'loop',
  ],
  ...['package', 'namespace', 'return', 'var', 'void', 'while'],
])
const ESCAPES: Readonly<Record<string, string>> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' }

/** JavaScript has a meaning of its own for these as names of properties. */
const NOT_OURS: ReadonlySet<string> = new Set(['constructor', '__proto__'])

/** The identifier of a field, or undefined when rules cannot name it. */
export function identifierOf(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`
  const escaped = name.replaceAll(/__|[./-]/g, (part) => ESCAPES[part] ?? part)
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(escaped) && !NOT_OURS.has(escaped) ? escaped : undefined
}
