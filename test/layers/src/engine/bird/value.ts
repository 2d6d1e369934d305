export const value = 'bird'
