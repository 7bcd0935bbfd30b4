/** Where Online Boutique's graph is, and who stands at its edge. */
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const GRAPH = path.join(ROOT, 'graphs/online-boutique.yaml');
export const CLIENT = 'storefront';
export const ENTRY = 'frontend';
