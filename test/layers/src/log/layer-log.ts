import { value } from '../model/value.ts'

export const broken = value
