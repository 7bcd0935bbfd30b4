import { expect } from 'chai';
import { diffGraphs } from '../../src/architect/diff/index.ts';
import { HEAD, client, compileText, planOf } from '../support/compile.ts';

const graph = (services: string, namespace = '') =>
  `${HEAD.replace(
    'defaults: {',
    `defaults: { ${namespace} audience: 'http://{name}.{namespace}.svc', identity: 'spiffe://cluster.local/ns/{namespace}/sa/{name}',`,
  )}${client('{ shop.web: [s] }')}services:\n  ${services}\n`;

describe('the namespace of a service', () => {
  it('fills {namespace}, and takes itself off the name of the workload', () => {
    const plan = planOf(graph('shop.web: { namespace: web, scopes: { s: } }'));
    const service = plan.services.get('shop.web');
    expect(service).to.deep.include({
      namespace: 'web',
      audience: 'http://shop.web.svc',
      identity: 'spiffe://cluster.local/ns/web/sa/shop',
    });
  });

  it('comes from defaults where the service names none; a name that does not end with it stays whole', () => {
    const plan = planOf(graph('shop.web: { scopes: { s: } }', 'namespace: prod,'));
    expect(plan.services.get('shop.web')?.audience).to.equal('http://shop.web.prod.svc');
  });

  it('is refused where Kubernetes would refuse it', () => {
    for (const namespace of ['Web', 'a.b', '-a', 'a'.repeat(64), '']) {
      const text = graph(`shop.web: { namespace: '${namespace}', scopes: { s: } }`);
      const codes = compileText(text).findings.map(({ code }) => code);
      expect(codes, namespace).to.include('invalid-value');
    }
  });

  it('is a neutral change where no audience or identity depends on it', () => {
    const plain = (namespace: string) =>
      planOf(`${HEAD}${client('{ shop: [s] }')}services:\n  shop: { ${namespace} scopes: { s: } }\n`);
    const changes = diffGraphs(plain(''), plain('namespace: web,')).changes;
    expect(changes.map(({ kind, mark }) => [kind, mark])).to.deep.equal([['namespace', 'neutral']]);
  });
});
