export const value = 'http'
