export const value = 'test'
