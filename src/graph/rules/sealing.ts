/** Sealed calls: each has a key to seal with, a token to seal, and a key that no other service has. */
import type {
  CallDeclaration,
  EncryptionDeclaration,
  GraphDeclaration,
  ServiceDeclaration,
} from '../declare/declaration.ts';
import { isSealed } from '../declare/encryption.ts';
import { causeOfParties, partyNames } from '../causes.ts';
import type { Findings } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import { MAX_SEALED_AUDIENCE } from '../../protocol.ts';
import { urlFault } from './url.ts';

export function checkSealing(graph: GraphDeclaration, findings: Findings): void {
  const services = [...graph.services.values()];
  for (const service of services) {
    if (service.encryption) {
      checkSource(service.name, service.encryption, findings);
      checkAudience(service, findings);
    }
    if (service.seal?.value === true && !service.encryption) reportNoKey(service, service.seal, findings);
  }
  checkSharedKeys(services, findings);
  const callers = [
    ...[...graph.clients.values()].map(({ name, calls }) => ({ name, calls })),
    ...services.flatMap(({ name, calls, scopes }) => [
      { name, calls },
      ...Array.from(scopes.values(), (scope) => ({ name, calls: scope.calls })),
    ]),
  ];
  for (const { name, calls } of callers)
    for (const call of calls) checkCall(name, call, graph.services.get(call.callee.value), findings);
}

function checkCall(
  caller: string,
  call: CallDeclaration,
  callee: ServiceDeclaration | undefined,
  findings: Findings,
): void {
  const { mode, seal } = call;
  const at = seal ?? call.modeAt;
  if (seal?.value === false && callee?.seal?.value === true)
    findings.add(
      'invalid-value',
      seal,
      `Every call into ${callee.name} is sealed, and ${caller} cannot undo it.`,
      `Take \`seal: false\` out, or \`seal: true\` from ${callee.name}.`,
    );
  if (!isSealed(call, callee)) return;
  if (mode === 'forward' || (mode === 'none' && seal?.value === true)) {
    const why =
      mode === 'forward' ? "sends the caller's own token, which is for the caller" : 'sends no token';
    findings.add(
      'seal-unreadable',
      at,
      `${caller} calls ${call.callee.value} with \`mode: ${mode}\`, which ${why}: there is nothing that ${call.callee.value} could open.`,
      mode === 'forward' ? 'Embed the call, or do not seal it.' : 'Take `seal` out.',
    );
  } else if (seal?.value === true && callee?.seal?.value !== true && callee && !callee.encryption) {
    reportNoKey(callee, seal, findings);
  }
}

function reportNoKey(
  { name }: ServiceDeclaration,
  at: NonNullable<CallDeclaration['seal']>,
  findings: Findings,
): void {
  findings.add(
    'seal-without-key',
    at,
    `The token for ${name} is to be sealed, and ${name} has no key to which it could be.`,
    `Give ${name} an \`encryption\`, such as { jwks_file: keys/${name}.enc.jwks }. \`waybill keys encryption\` makes a key pair.`,
    [pointerTo('services', name, 'encryption'), '/defaults', '/zones'],
    causeOfParties(
      'seal',
      name,
      (names) => `The tokens for ${names} are to be sealed, and they have no keys.`,
    ),
  );
}

function checkSource(name: string, encryption: EncryptionDeclaration, findings: Findings): void {
  const { jwksFile, jwksUri } = encryption;
  if ((jwksFile === undefined) === (jwksUri === undefined))
    findings.add(
      'key-source',
      encryption,
      `The \`encryption\` of ${name} has ${jwksFile === undefined ? 'no keys' : 'keys in two places'}.`,
      'Give `jwks_file` or `jwks_uri`, and only one of them.',
      [pointerTo('services', name, 'encryption'), '/defaults', '/zones'],
      causeOfParties(
        'encryption source',
        name,
        (names) => `The \`encryption\` of ${names} is not one key set.`,
      ),
    );
  const fault = jwksUri && urlFault(jwksUri.value);
  if (jwksUri && fault)
    findings.add(
      'invalid-value',
      jwksUri,
      `The jwks_uri ${jwksUri.value} ${fault}.`,
      'For example https://vault.example/encryption.jwks.',
    );
}

/** It stands in the header of a sealed token, which readers bound before they read it. */
function checkAudience({ name, audiences: [audience] }: ServiceDeclaration, findings: Findings): void {
  if (!audience) return;
  const bytes = Buffer.byteLength(JSON.stringify(audience.value));
  if (bytes <= MAX_SEALED_AUDIENCE) return;
  findings.add(
    'invalid-value',
    audience,
    `The audience of ${name} has ${bytes} bytes, and tokens can be sealed to one of at most ${MAX_SEALED_AUDIENCE}.`,
    'Shorten the audience, or take `encryption` out.',
  );
}

/** With one `encryption` in `defaults` whoever carries a sealed token could open it, unless a placeholder tells them apart. */
function checkSharedKeys(services: readonly ServiceDeclaration[], findings: Findings): void {
  const owners = new Map<string, string>();
  for (const { name, encryption } of services) {
    const source = encryption?.jwksFile ?? encryption?.jwksUri?.value;
    if (!encryption || source === undefined) continue;
    const owner = owners.get(source);
    if (owner === undefined) owners.set(source, name);
    else
      findings.add(
        'duplicate-identity',
        { source: encryption.source, offset: encryption.offset },
        `${owner} and ${name} have the same encryption keys: each could read what is sealed to the other.`,
        'In `encryption` of `defaults`, {name} stands for the service, as in keys/{name}.enc.jwks; or give each service its own.',
        [],
        {
          key: `encryption ${source}`,
          part: name,
          words: (names) => ({
            message: `${partyNames([owner, ...names])} have the same encryption keys: each could read what is sealed to the others.`,
          }),
        },
      );
  }
}
