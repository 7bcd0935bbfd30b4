/** An issuer whose clients authenticate with certificates, in every way, and the authorities behind them. */
import { expect } from 'chai';

import { derOf, selfSigned, testCa, type Identity } from '../keys/certificates.ts';
import type { TlsAnswer } from '../tls.ts';
import { askForToken, bundleOf, startTlsIssuer, type TlsIssuer, type TlsIssuerOptions } from './tls.ts';

export const certificateGraph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults: { identity: 'spiffe://shop.example/{name}', headers: { profile: go } }
clients:
  dn: { auth: { method: tls_client_auth, subject_dn: 'CN=till\\, east,O=Shop' }, calls: { orders: [place] } }
  dns: { auth: { method: tls_client_auth, san_dns: till.shop.example }, calls: { orders: [place] } }
  uri: { auth: { method: tls_client_auth, san_uri: 'https://till.shop.example' }, calls: { orders: [place] } }
  email: { auth: { method: tls_client_auth, san_email: till@shop.example }, calls: { orders: [place] } }
  ip: { auth: { method: tls_client_auth, san_ip: 10.0.0.7 }, calls: { orders: [place] } }
  self: { auth: { method: self_signed_tls_client_auth, jwks_file: self.jwks }, calls: { orders: [place] } }
  mesh:
    auth: { method: spiffe_x509, spiffe_id: 'spiffe://shop.example/mesh', bundle_file: shop.json }
    calls: { orders: [place] }
  friend:
    auth: { method: spiffe_x509, spiffe_id: 'spiffe://friend.example/mesh', bundle_file: friend.json }
    calls: { orders: [place] }
  kiosk: { auth: { method: client_secret_post, secret_env: KIOSK }, calls: { orders: [place] } }
services:
  orders:
    auth: { method: spiffe_x509, bundle_file: shop.json }
    scopes: { place: { calls: { payment: { scopes: [charge], mode: exchange } } } }
  payment: { scopes: { charge: {} } }
`;

/** The authority of the server's clients, those of two trust domains, and a certificate that nobody signed. */
export const ca = testCa('tls authority');
export const shop = testCa('shop.example');
export const friend = testCa('friend.example');
export const own = selfSigned({ commonName: 'self' });

/** By the client: what its certificate says, where `ca` signs it. */
export const NAMED = {
  dn: { organisation: 'Shop', commonName: 'till, east' },
  dns: { dns: ['till.shop.example', 'other.example'] },
  uri: { uris: ['https://till.shop.example'] },
  email: { emails: ['till@shop.example'] },
  ip: { ips: [[10, 0, 0, 7]] },
};

/** JWK Sets and bundles of the graph, all of them right. */
export const certificateKeySets = (): Map<string, unknown> =>
  new Map<string, unknown>([
    ['self', { keys: [{ kty: 'EC', x5c: [derOf(own.cert)] }] }],
    ['mesh', bundleOf(shop)],
    ['orders', bundleOf(shop)],
    ['friend', bundleOf(friend)],
  ]);

/** Ended by `stopIssuers`. */
export async function startCertificateIssuer(
  options: Omit<TlsIssuerOptions, 'ca' | 'keySets'> = {},
): Promise<TlsIssuer> {
  return startTlsIssuer(certificateGraph, { ca, keySets: certificateKeySets(), ...options });
}

/** POST /token with this certificate, if any. */
export async function askWith(
  url: string,
  client_id: string,
  as?: Identity,
  more: Readonly<Record<string, string>> = {},
): Promise<TlsAnswer> {
  return askForToken(url, ca, { client_id, ...more }, as);
}

export function expectRefused(answer: TlsAnswer): void {
  expect(answer.status, answer.text).to.equal(401);
  expect(answer.json['error']).to.equal('invalid_client');
}
