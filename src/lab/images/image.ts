/** What an image is in the lab: a program of this machine and what is laid over its read-only root. */

export interface Image {
  /** Without registry, tag and digest: `nginx`, `fairway/echo`. */
  readonly name: string
  /** The fixed part of the command; a container's `command` replaces it (and the arguments with it). */
  readonly entrypoint: readonly string[]
  /** What follows it; a container's `args` replace it. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly workingDir: string
  /** Directories that start empty and may be written to, beside those that every container has. */
  readonly emptyDirs: readonly string[]
  /** Text files laid over the root, by absolute path; the path must exist on the machine or be in an empty directory. */
  readonly files: Readonly<Record<string, string>>
  /** Paths of the machine that must stay visible inside (read-only) although an empty directory may cover them. */
  readonly visible: readonly string[]
}

/**
 * The name under which an image is looked up: registry, tag, digest and Docker's `library/` do not count.
 *
 * Example: `docker.io/library/nginx:1.27@sha256:...` is `nginx`; `localhost:5000/a/b` is `a/b`.
 * Source:  distribution reference grammar: the first component is a registry if it has a dot or a colon, or is `localhost`.
 */
export function shortImageName(reference: string): string {
  const [withoutDigest = ''] = reference.split('@')
  const parts = withoutDigest.split('/')
  const [first = ''] = parts
  if (parts.length > 1 && (/[.:]/.test(first) || first === 'localhost')) parts.shift()
  if (parts.length > 1 && parts[0] === 'library') parts.shift()
  const last = parts.pop() ?? ''
  return [...parts, last.replace(/:.*$/, '')].join('/')
}

/** The reference as a container status shows it: with the tag that is meant when none is written. */
export function taggedReference(reference: string): string {
  const last = reference.split('/').at(-1) ?? ''
  return /[:@]/.test(last) ? reference : `${reference}:latest`
}
