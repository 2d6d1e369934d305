/** Paths as Kubernetes writes them (apimachinery field.Path). The empty path is the object itself. */

export const child = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)
export const key = (path: string, name: string | number): string => `${path}[${name}]`

/** What errors without a field have in its place: Go prints a nil path so. */
export const NO_FIELD = '<nil>'
