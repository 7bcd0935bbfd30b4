/** Real servers, as they come: each takes the token that its header profile promises, with few other headers and with many. */
import { expect } from 'chai';
import { once } from 'node:events';
import { connect } from 'node:net';

import { isMissing } from '../../scripts/foreign/tools.ts';
import { holdsClaim, measure, TWENTY } from '../../scripts/profiles/measure.ts';
import { PASSED, send } from '../../scripts/profiles/request.ts';
import { QUICK, type Running } from '../../scripts/profiles/servers.ts';

for (const { profile, protocols, start } of QUICK) {
  describe(`The header profile ${profile}`, () => {
    let server: Running | undefined;

    before(async function () {
      const started = await start(false);
      if (isMissing(started)) {
        console.log(`      (skipped: ${started.missing})`);
        this.skip();
      }
      server = started;
    });
    after(async () => server?.stop());

    for (const protocol of protocols) {
      it(`promises no more than passes over ${protocol}`, async () => {
        for (const headers of [[], TWENTY])
          expect(
            await holdsClaim({ profile, port: server!.port, protocol, headers }),
            `${headers.length}`,
          ).to.equal(PASSED);
      });
    }

    if (profile === 'envoy' || profile === 'haproxy') {
      it('is close to what passes, and beyond it HTTP/2 resets the stream', async () => {
        const question = { profile, port: server!.port, headers: TWENTY };
        for (const [protocol, beyond] of [
          ['http/1.1', /^4\d\d$/],
          ['http/2', /^stream reset$/],
        ] as const) {
          const measured = await measure({ ...question, protocol });
          expect(measured.passed - measured.claimed, protocol).to.be.within(0, 80);
          expect(measured.beyond).to.match(beyond);
        }
      });
    }

    if (profile === 'nginx') {
      it('takes 16 KiB of headers in the worst order, and refuses 18 KiB', async () => {
        const of = (count: number) =>
          Array.from({ length: count }, (_, at) => [`x-large-${at}`, 'v'.repeat(4_200)] as const);
        const question = { port: server!.port, protocol: 'http/1.1' as const, length: 3_000 };
        expect(await send({ ...question, headers: of(3) })).to.equal(PASSED);
        expect(await send({ ...question, headers: of(5) })).to.equal('400');
      });
    }

    it('leaves nobody at its port when it is stopped', async () => {
      const { port, stop } = server!;
      server = undefined;
      await stop();
      const [error] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
      expect(error.code).to.equal('ECONNREFUSED');
    });
  });
}
