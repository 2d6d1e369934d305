import { value } from './apiserver/value.ts'

export const broken = value
