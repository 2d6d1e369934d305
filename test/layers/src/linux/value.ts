export const value = 'linux'
