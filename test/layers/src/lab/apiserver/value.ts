export const value = 'lab/apiserver'
