/** A volume that cannot be had now, and why. */
export class VolumeError extends Error {
  readonly volume: string

  constructor(volume: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.volume = volume
  }
}
