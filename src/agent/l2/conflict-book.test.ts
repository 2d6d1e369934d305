import { expect, test } from 'vitest'
import { ConflictBook } from './conflict-book.ts'

const claim = { address: '192.0.2.1', interface: 'eth0', mac: '02:00:00:00:00:01' }

test('a claim is answered at once, and then once a second', () => {
  const book = new ConflictBook()
  const answered = [0, 1, 500, 999, 1_000, 1_001, 2_500].filter((now) => book.note(claim, now))
  expect(answered).toEqual([0, 1_000, 2_500])
})

test('it stands when it goes on after an answer, and for a minute after the last one', () => {
  const book = new ConflictBook()
  book.note(claim, 0)
  book.note(claim, 400)
  expect(book.standing(500)).toEqual([])
  book.note(claim, 1_200)
  expect(book.standing(1_300)).toEqual([claim])
  expect(book.dueAtInMs).toBe(61_200)
  expect(book.standing(61_200)).toEqual([])
})

test('another machine begins anew, and what is not ours any more is forgotten', () => {
  const book = new ConflictBook()
  book.note(claim, 0)
  book.note({ ...claim, mac: '02:00:00:00:00:02' }, 5_000)
  expect(book.standing(5_000)).toEqual([])
  book.note(claim, 5_100)
  book.note(claim, 7_000)
  book.forget(claim.address)
  expect(book.standing(7_000)).toEqual([])
  expect(book.dueAtInMs).toBe(Number.POSITIVE_INFINITY)
})
