/** One login for many conditions. */
import { expect } from 'chai';
import { CommonLogin } from '../../../src/graph/conditions/step-up.ts';
import { planOf } from '../../support/compile.ts';

const COUNT = 200;
const scopes = Array.from({ length: COUNT }, (_, n) => `s${n}`);

/** Each scope asks for a login of its own age. */
const plan = planOf(`waybill: 1
name: many
issuer: { url: 'https://tokens.example' }
defaults: { audience: 'https://{name}.example', headers: { profile: go } }
subjects: { login: { issuer: 'https://login.example', audience: app, acr: { mfa: [urn:2fa], pwd: [urn:pwd] } } }
clients: { web: { auth: { method: client_secret_basic, secret_env: S }, subjects: [login], grants: [token_exchange], calls: { shop: [${scopes.join(', ')}] } } }
services:
  shop: { scopes: { ${scopes.map((name, n) => `${name}: { when: 'auth.acr in ["pwd", "mfa"] && auth.age <= ${1_000 - n}' }`).join(', ')} } }
`);
const provider = plan.subjects.get('login')!;
const conditions = scopes.map((name) => plan.services.get('shop')!.scopes.get(name)!.when!);

describe('A login for several conditions', () => {
  it('threat 105: looks at each part once for each level, however many conditions there are', () => {
    let looks = 0;
    const login = new CommonLogin(provider, {
      servedBy: (_, level) => {
        looks += 1;
        return level === 'mfa';
      },
      isTooOld: () => true,
    });
    for (const condition of conditions) expect(login.add([condition])).to.equal(true);
    expect(login.login).to.deep.equal({ acrValues: ['urn:2fa'], maxAge: 1_000 - COUNT + 1 });
    expect(looks).to.be.lessThan(5 * COUNT);
  });

  it('leaves out what no level serves together with what was added', () => {
    const [first, second, third] = conditions;
    const login = new CommonLogin(provider, {
      servedBy: ({ id }, level) => level === (id === second!.conjuncts[1]!.id ? 'pwd' : 'mfa'),
      isTooOld: () => false,
    });
    expect([first, second, third, first].map((condition) => login.add([condition!]))).to.deep.equal([
      true,
      false,
      true,
      true,
    ]);
    expect(login.login).to.deep.equal({ acrValues: ['urn:2fa'], maxAge: undefined });
  });

  it('is none where nothing was added', () => {
    const login = new CommonLogin(provider, { servedBy: () => false, isTooOld: () => true });
    expect([login.add([conditions[0]!]), login.login]).to.deep.equal([false, undefined]);
  });
});
