import { broken } from './no-cycles.ts'

export const other = () => broken
