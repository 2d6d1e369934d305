export const value = 'console'
