export const value = 'lab'
