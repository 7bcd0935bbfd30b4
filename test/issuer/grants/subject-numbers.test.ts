/** Numbers in a user's token that a double would change: 9007199254740993 is read as somebody else's number. */
import { expect } from 'chai';

import type { IssuedTree, Issuer } from '../../../src/issuer/index.ts';
import { closeServers } from '../../support/http.ts';
import { clientOf, issuerFor } from '../../support/issuer/issue.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { APP, startProvider, subjectOf, type TestProvider } from '../../support/provider/scripted.ts';
import { planOf } from '../../support/compile.ts';
import { users } from '../../support/graphs/users.ts';
import { NOW } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';

const INEXACT = ['9007199254740993', '-9007199254740992', '1e400', '1e16', '0.1000000000000000055', '1e-400'];

describe("A number in a claim of a user's token", () => {
  let provider: TestProvider;
  let issuer: Issuer;
  let opaque: Issuer;

  before(async () => {
    provider = await startProvider();
    const graph = users({ subjects: { login: subjectOf(provider) } });
    issuer = await issuerFor(planOf(graph), () => NOW);
    opaque = await issuerFor(planOf(graph.replace('  web:\n', '  web:\n    token: opaque\n')), () => NOW);
  });
  after(closeServers);

  /** @param members JSON text, beside what every ID token has. */
  async function issueFor(members: string, scopes = ['read'], by = issuer): Promise<IssuedTree> {
    const standard = `"iss":"${provider.url}","sub":"alice","aud":"${APP}","iat":${NOW},"exp":${NOW + 60}`;
    const token = await provider.signer.sign(`{${standard},${members}}`, { typ: 'JWT' });
    return by.issueFor(clientOf(by.plan, 'web'), { token, type: 'id_token' }, { scopes });
  }

  async function refused(claim: string, members: string, scopes?: string[], by = issuer): Promise<void> {
    const { message } = await failure('invalid_grant', () => issueFor(members, scopes, by));
    expect(message, members).to.equal(
      `The claim ${claim} of this subject has a number that a token cannot carry exactly. The provider must send it as text.`,
    );
  }

  it('is refused with the name of the claim if a tree would carry a changed number', async () => {
    for (const number of INEXACT) {
      for (const value of [number, `[1,${number}]`, `{"id":{"deep":[${number}]}}`])
        await refused('name', `"name":${value}`);
    }
    await refused('name', '"name":9007199254740993', ['read'], opaque);
  });

  it('is refused below the path of a claim, even nested deeper than any stack', async () => {
    const more = '"email":"alice@example.org"';
    await refused('roles', `${more},"realm_access":{"roles":[9007199254740993]}`, ['buy']);
    await refused('org', `${more},"https://login.example/org":{"id":1e400}`, ['buy']);
    await refused('name', `"name":${'['.repeat(5_000)}1e400${']'.repeat(5_000)}`);
  });

  it('is refused if the claim is only kept for a later exchange', async () => {
    await refused('email', '"role":"admin","email":9007199254740993', ['refund']);
    await refused('email', '"role":"admin","email":9007199254740993', ['refund'], opaque);
  });

  it('is refused if a scope depends on the claim (`when`), instead of counting as another number', async () => {
    for (const number of INEXACT) {
      await refused('dept', `"role":"admin","dept":${number}`, ['read', 'audit']);
      await refused('dept', `"role":"admin","dept":["finance",${number}]`, ['read', 'audit']);
    }
  });

  it('does not matter in a claim that the graph does not use', async () => {
    const members = '"balance":9007199254740993,"realm_access":{"groups":[1e400],"roles":["a"]}';
    const { token } = await issueFor(`${members},"email":"alice@example.org"`, ['buy']);
    expect(tokenAt(token, 'crm').payload).to.deep.include({ roles: ['a'] });
    expect(tokenAt(token).payload).to.not.have.any.keys('balance', 'realm_access');
  });

  it('is carried if a double keeps it, and as text with all of its digits', async () => {
    for (const [json, value] of [
      ['9007199254740991', 9007199254740991],
      ['-0.10', -0.1],
      ['1e3', 1000],
      ['[1.50,{"a":0}]', [1.5, { a: 0 }]],
      ['"9007199254740993"', '9007199254740993'],
      ['"1e400 \\" 1e400"', '1e400 " 1e400'],
    ] as const) {
      expect(tokenAt((await issueFor(`"name":${json}`)).token).payload, json).to.deep.include({
        name: value,
      });
    }
  });
});
