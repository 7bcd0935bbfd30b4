/**
 * `npm run profiles`: starts real servers, finds the longest token that each takes, and holds the profiles against it:
 * with `Host` alone, and with twenty more headers. Ends with 1 where a profile claims more than its server takes.
 *
 * `--quick`: without other languages. `--only NAME`: one profile.
 */
import { parseArgs } from 'node:util';

import { isMissing } from '../foreign/tools.ts';
import { measure, TWENTY } from './measure.ts';
import { FOREIGN, QUICK, type MeasuredServer } from './servers.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string' } } });
const all = values.quick === true ? QUICK : [...QUICK, ...FOREIGN];
const servers = all.filter(({ profile }) => values.only === undefined || profile === values.only);

print(['profile', 'protocol', 'others', 'claimed', 'measured', 'verdict', 'beyond it', 'version']);
for (const server of servers) await measured(server);

async function measured({ profile, protocols, start }: MeasuredServer): Promise<void> {
  const running = await start(true);
  if (isMissing(running)) return print([profile, '', '', '', '', 'skipped', running.missing, '']);
  try {
    for (const protocol of protocols) {
      for (const headers of [[], TWENTY]) {
        const { claimed, passed, beyond, verdict } = await measure({
          profile,
          port: running.port,
          protocol,
          headers,
        });
        const cells = [claimed, passed].map((bytes) => bytes.toLocaleString('en'));
        print([
          profile,
          protocol,
          String(headers.length),
          ...cells,
          verdict,
          beyond ?? 'none seen',
          running.version,
        ]);
        if (verdict === 'overclaims') process.exitCode = 1;
      }
    }
  } finally {
    await running.stop();
  }
}

function print(cells: readonly string[]): void {
  const [name = '', protocol = '', others = '', claimed = '', passed = '', ...rest] = cells;
  const numbers = [others.padStart(6), claimed.padStart(10), passed.padStart(10)];
  const [verdict = '', beyond = '', version = ''] = rest;
  const texts = [verdict.padEnd(11), beyond.padEnd(24), version];
  console.log([name.padEnd(19), protocol.padEnd(9), ...numbers, '', ...texts].join(' ').trimEnd());
}
