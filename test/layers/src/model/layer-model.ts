import { value } from '../log/value.ts'

export const broken = value
