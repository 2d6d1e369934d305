import { value } from './some.test.ts'

export const broken = value
