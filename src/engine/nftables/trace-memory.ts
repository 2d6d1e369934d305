/** Maps that rules write, by name, with a clock. As in the kernel, an update of what is there renews its time and leaves its value. */
export class Memory {
  nowInSeconds = 0
  private readonly maps = new Map<string, { readonly value: number; readonly endsAt: number }>()

  get(map: string, key: string): number | undefined {
    const known = this.maps.get(`${map} ${key}`)
    return known === undefined || known.endsAt <= this.nowInSeconds ? undefined : known.value
  }

  update(map: string, key: string, value: number, timeoutInSeconds = Number.POSITIVE_INFINITY): void {
    this.maps.set(`${map} ${key}`, { value: this.get(map, key) ?? value, endsAt: this.nowInSeconds + timeoutInSeconds })
  }

  delete(map: string, key: string): void {
    this.maps.delete(`${map} ${key}`)
  }
}
