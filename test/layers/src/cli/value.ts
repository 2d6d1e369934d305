export const value = 'cli'
