/** Client certificates in the headers of proxies, and which senders count as proxies. */
import type { Socket } from 'node:net';

import { certificateProxy, presentedCertificate } from '../../../src/identity/index.ts';
import { corpus, type FuzzCertificate } from '../corpus/corpus.ts';
import type { Dice } from '../dice.ts';
import { editText } from '../mutate/bytes.ts';
import { ACCEPTED, Broken, refusedAs, type OpenTarget, type Outcome, type Target } from '../target.ts';

export const certificates: Target = {
  name: 'certificates',
  reads: 'X-Forwarded-Client-Cert, Client-Cert and PEM in headers, from proxies and others',
  open,
};

const HEADERS = ['x-forwarded-client-cert', 'client-cert', 'ssl-client-cert'];
const PROXIES = ['10.1.0.0/16', '2001:db8::1'];
const ADDRESSES = [
  '10.1.2.3',
  '::ffff:10.1.2.3',
  '2001:db8::1',
  '10.2.0.1',
  '::1',
  '',
  '10.2.0.1:80',
  'fe80::1%eth0',
];
/** With a port too: it is the same proxy. */
const TRUSTED = ['10.1.2.3', '10.1.2.3:80', '::ffff:10.1.2.3', '2001:db8::1'];
const ALL = Object.values(corpus.certificates);

/** What may stand before, behind and between the parts of a header. */
const PIECES = [
  ...[',', ';', '"', '\\"', ', ', '=', ':', '%0A', '%', '%zz', ' ', '\t', 'Cert=', 'Chain=', 'By=x;'],
  ...['Hash=', '%00'],
  ...['URI=spiffe://fuzz.example/x', 'cert=""', 'Subject="a,b"', '-----BEGIN CERTIFICATE-----', '?1', '()'],
];

async function open(): Promise<OpenTarget> {
  const proxies = new Map(HEADERS.map((header) => [header, certificateProxy(header, PROXIES)]));
  return {
    input: (dice) => Buffer.from(input(dice)),
    run: async (bytes) => {
      const [address = '', ...lines] = bytes.toString('utf8').split('\n');
      const found = lines.map(
        (line) => [line.split(':', 1)[0] ?? '', line.slice(line.indexOf(':') + 1).trim()] as const,
      );
      const distinct: Record<string, string[]> = {};
      for (const [name, value] of found) (distinct[name.toLowerCase()] ??= []).push(value);
      const [header = ''] = HEADERS.filter((name) => name in distinct);
      // Nothing but the address of the connection is looked at, which has no TLS.
      const socket = { remoteAddress: address } as Socket;
      const presented = presentedCertificate({ socket, headersDistinct: distinct }, proxies.get(header));
      return judge(address, distinct[header]?.join(',') ?? '', presented?.certificate.raw);
    },
  };
}

/** The address of the connection, then a header in each line. */
function input(dice: Dice): string {
  const certificate = dice.pick(ALL);
  const header = dice.pick(HEADERS);
  let value = valueOf(header, certificate, dice);
  for (let edits = dice.below(3); edits > 0; edits -= 1) {
    const at = dice.below(value.length + 1);
    value = dice.oneIn(2)
      ? editText(value, [valueOf(header, dice.pick(ALL), dice)], dice)
      : value.slice(0, at) + dice.pick(PIECES).repeat(dice.oneIn(20) ? 4_000 : 1) + value.slice(at);
  }
  const lines = [`${header}: ${value.replaceAll('\n', ' ')}`];
  if (dice.oneIn(4)) lines.push(`client-cert-chain: :${dice.pick(ALL).base64}:, :${dice.pick(ALL).base64}:`);
  if (dice.oneIn(10)) lines.push(lines[0]!);
  return [dice.oneIn(4) ? dice.pick(ADDRESSES) : dice.pick(TRUSTED), ...lines].join('\n');
}

function valueOf(header: string, { pem, chain, base64 }: FuzzCertificate, dice: Dice): string {
  const [own, all] = [pem, chain].map(encodeURIComponent);
  if (header === 'client-cert') return `:${base64}:`;
  if (header === 'ssl-client-cert') return own!;
  return dice.pick([
    `Cert="${own}"`,
    `Chain="${all}"`,
    `By=spiffe://fuzz.example/a;Hash=00ff;Cert="${own}";Chain="${all}";Subject="CN=a\\"b"`,
    `By=a;Cert="${own}",By=b;Cert="${own}"`,
  ]);
}

/** Only a named proxy is trusted, and the certificate must be in the header. */
function judge(address: string, header: string, der: Buffer | undefined): Outcome {
  if (der === undefined) return refusedAs('no_certificate');
  if (!TRUSTED.includes(address))
    throw new Broken('plain path', 'a header is trusted from an address that is not a proxy');
  const plain = header.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString(),
  );
  const written = plain.replace(/\s/g, '');
  // A changed certificate is a different one: only the proxy vouches for it, and it must be in the header completely.
  const texts = written.match(/[A-Za-z0-9+/]{40,}={0,2}/g) ?? [];
  if (texts.some((text) => der.equals(Buffer.from(text, 'base64')))) return ACCEPTED;
  throw new Broken('plain path', 'a certificate is read that is not in the header');
}
