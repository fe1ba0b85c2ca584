/** A built file of the server that its package does not export: what is measured here by itself. */
export const dist = (file) => import(new URL(`../../packages/server/dist/${file}`, import.meta.url));
