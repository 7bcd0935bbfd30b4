/** Processes of the issuer end without warning. */
import type { Scenario } from '../scenario.ts';
import { isRunning, peerPortsOf } from '../sockets.ts';
import type { IssuerProcess } from '../issuer-process.ts';

export const workersKilled: Scenario = {
  name: 'workers killed',
  promise:
    'Another worker takes the place of one that is killed. The others go on, and nobody notices but its own connections.',
  needs: ['redis-server'],
  errors: [],
  async run(stage) {
    const issuer = await stage.issuer({ store: await stage.redis(), more: ['--workers', '2'] });
    const load = stage.load();
    await load.more(100);
    const kills = stage.times(2, 8);
    for (let time = 0; time < kills; time += 1) {
      const pids = workersOf(issuer);
      const [victim = 0, ...others] = pids.filter(isRunning);
      await stage.inject(
        `kill -9 of worker ${victim}`,
        () => {
          // Both happen in one turn of this event loop, so no connection is opened in between.
          stage.account.kill({ url: issuer.url, others: peerPortsOf(others), until: performance.now() });
          process.kill(victim, 'SIGKILL');
        },
        () => {
          const replaced = workersOf(issuer).length > pids.length;
          return !isRunning(victim) && replaced ? 'pid gone, another worker in its place' : undefined;
        },
      );
      await load.more(stage.times(150, 600));
    }
    await load.stop();
    await stage.tryAll();
    await stage.endWell(issuer);
    return `${kills} workers killed and replaced`;
  },
};

export const issuersKilled: Scenario = {
  name: 'issuers killed',
  promise:
    'Another issuer on the same Redis goes on. A restarted one knows which tokens were used and revoked.',
  needs: ['redis-server'],
  errors: [],
  async run(stage) {
    const store = await stage.redis();
    const survivor = await stage.issuer({ store });
    let victim = await stage.issuer({ store });
    const load = stage.load();
    await load.more(100);
    const kills = stage.times(1, 5);
    for (let time = 0; time < kills; time += 1) {
      const { url } = victim;
      const kill = { url, others: new Set<number>(), until: Number.POSITIVE_INFINITY };
      await stage.inject(
        `kill -9 of the issuer ${victim.pid}`,
        () => {
          stage.account.kill(kill);
          victim.kill('SIGKILL');
        },
        () => (isRunning(victim.pid) ? undefined : 'pid gone, its port refuses'),
      );
      await load.more(100);
      stage.shopper.servers.delete(url);
      victim = await stage.issuer({ store });
      await load.more(stage.times(150, 600));
    }
    await load.stop();
    const refused = await stage.tryAll();
    for (const issuer of [survivor, victim]) await stage.endWell(issuer);
    return `${kills} killed and started again; ${refused} replays refused afterwards`;
  },
};

/** Process ids of those that have come to answer, the dead among them. */
function workersOf(issuer: IssuerProcess): number[] {
  const ready = new Set(issuer.logged('started').map(({ worker }) => worker));
  return issuer
    .logged('worker started')
    .flatMap(({ worker, pid }) => (ready.has(worker) ? [Number(pid)] : []));
}
