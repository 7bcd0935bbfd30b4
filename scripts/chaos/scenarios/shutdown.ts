/** An orchestrator ends an issuer while clients use it, and a load balancer follows its readiness. */
import { Probes } from '../probes.ts';
import type { Scenario } from '../scenario.ts';
import { isRunning } from '../sockets.ts';
import { ChaosFailed, until } from '../until.ts';

/** Seconds. Longer than a load balancer on a busy machine takes to notice. */
const DELAY = 3;

export const shutdown: Scenario = {
  name: 'SIGTERM',
  promise:
    '/readyz turns to 503 while requests are still answered; the process ends with 0, and no request is lost.',
  needs: ['redis-server'],
  errors: [],
  async run(stage) {
    const store = await stage.redis();
    const stays = await stage.issuer({ store });
    const load = stage.load();
    const times = stage.times(1, 10);
    for (let time = 0; time < times; time += 1) {
      const ends = await stage.issuer({ store, more: ['--shutdown-delay', String(DELAY)] });
      const balancer = new Probes(`${ends.url}/readyz`, (status) => {
        if (status !== 200) stage.shopper.servers.delete(ends.url);
      });
      stage.atEnd(() => balancer.stop());
      await load.more(100);
      await stage.inject(
        'SIGTERM',
        () => ends.kill('SIGTERM'),
        () => (ends.logged('stopping').length > 0 ? 'the log says "stopping"' : undefined),
      );
      await until('503 of /readyz', () => !stage.shopper.servers.has(ends.url));
      await until('the end of the process', () => !isRunning(ends.pid));
      await balancer.stop();
      const code = await ends.ended;
      if (code !== 0) throw new ChaosFailed(`it ended with ${code ?? 'nothing'} instead of 0`);
      if ((balancer.seen.get(503) ?? 0) === 0) throw new ChaosFailed('/readyz never said 503 while it ended');
    }
    await load.more(50);
    await load.stop();
    await stage.tryAll();
    await stage.endWell(stays);
    return `${times} ended with 0 under load`;
  },
};
