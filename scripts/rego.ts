/**
 * `npm run rego`: compiles the policy of the OPA bundle to WebAssembly, with the `opa` of this machine, for the tests:
 * they decide with it, and fail where the policy is no longer the one that was compiled.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CLAIMS_POLICY } from '../src/architect/export/opa/claims-policy.ts';

const target = path.join(import.meta.dirname, '../test/architect/export/opa');
const folder = mkdtempSync(path.join(tmpdir(), 'rego-'));
try {
  const source = path.join(folder, 'policy.rego');
  const bundle = path.join(folder, 'bundle.tar.gz');
  writeFileSync(source, CLAIMS_POLICY);
  execFileSync('opa', ['check', '--strict', source], { stdio: 'inherit' });
  execFileSync('opa', ['build', '-t', 'wasm', '-e', 'waybill/authz/allow', '-o', bundle, source], {
    stdio: 'inherit',
  });
  execFileSync('tar', ['-xzf', bundle, '-C', target, '--transform=s,^/,,', '/policy.wasm']);
  writeFileSync(
    path.join(target, 'policy.sha256'),
    `${createHash('sha256').update(CLAIMS_POLICY).digest('hex')}\n`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
