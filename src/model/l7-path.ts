/** The path of a request, as servers read it. */

/**
 * Decoded once, and without empty elements: what is written in several ways is one path. Not decoded is what no line can hold: spaces and control
 * characters, and bytes that are no UTF-8. Source: RFC 3986, 6.2.2.2.
 */
export function canonicalPath(path: string): string {
  return decoded(path).replaceAll(/\/{2,}/g, '/')
}

function decoded(path: string): string {
  return path.replaceAll(/(?:%[0-9a-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes).replaceAll(/[\p{C}\p{Z}]/gu, encodeURIComponent)
    } catch {
      return bytes
    }
  })
}
