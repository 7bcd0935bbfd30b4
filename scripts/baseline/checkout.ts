/**
 * The built checkout to measure. No other file here imports code of Waybill, so that a checkout whose folders have moved
 * can be measured too: only these public names must stay.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Package from 'waybill';
import type * as Middleware from 'waybill/middleware';

export type Checkout = Pick<typeof Package, 'compileGraph' | 'createIssuer' | 'generateKey' | 'keyRing'> &
  Pick<typeof Middleware, 'extractor'>;

/** A fixed second, because the size of a token depends on the times in it. */
export const clock = (): number => 1_800_000_000;

/** @param folder of the checkout, which has `dist`. */
export async function load(folder: string): Promise<Checkout> {
  const { compileGraph, createIssuer, generateKey, keyRing } = (await import(
    distFile(folder, 'index.js')
  )) as typeof Package;
  const { extractor } = (await import(distFile(folder, 'middleware/index.js'))) as typeof Middleware;
  return { compileGraph, createIssuer, generateKey, keyRing, extractor };
}

function distFile(folder: string, file: string): string {
  return pathToFileURL(path.join(folder, 'dist', file)).href;
}

/** @throws TypeError where the graph has an error. */
export function compiled({ compileGraph }: Checkout, graph: string): Package.Plan {
  const { plan, findings } = compileGraph([graph], { clock });
  if (plan) return plan;
  throw new TypeError(findings.map(({ file, line, message }) => `${file}:${line} ${message}`).join('\n'));
}

/** An issuer of the graph, with a new key. */
export async function issuerOf(checkout: Checkout, graph: string): Promise<Package.Issuer> {
  const plan = compiled(checkout, graph);
  const key = await checkout.generateKey(plan.issuer.signing, clock);
  const names = [...plan.clients.keys(), ...plan.services.keys()];
  const secrets = new Map(names.map((name) => [name, `the secret of ${name}`]));
  return checkout.createIssuer({ plan, keys: checkout.keyRing([key], key.alg), secrets, clock });
}
