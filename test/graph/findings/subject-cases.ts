/** Identity providers, the clients that may exchange their tokens, and scopes for some users alone. */
import { HEAD } from '../../support/compile.ts';
import type { Case } from './case.ts';

const LOGIN = "login: { issuer: 'https://login.example', audience: app }";

interface Parts {
  subjects?: string;
  grants?: string;
  call?: string;
  claims?: string;
  service?: string;
}

/** A client whose users of `login` reach one service. */
const graph = ({
  subjects = LOGIN,
  grants = 'grants: [token_exchange], subjects: [login]',
  call = '{ scopes: [browse, refund] }',
  claims = '',
  service = '',
}: Parts): string => `${HEAD}${claims}
subjects: { ${subjects} }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, ${grants}, calls: { shop: ${call} } }
services:
  shop: { ${service} scopes: { browse: , refund: } }
`;

const provider = (name: string, more: string): string =>
  `${name}: { issuer: 'https://${name}.example', audience: app, ${more} }`;

const URLS: readonly (readonly [url: string, message: RegExp])[] = [
  ['http://login.example', /login: http:\/\/login.example is neither https nor http on loopback/],
  ['login.example', /is not a URL/],
  ['https://login.example?tenant=a', /has a query/],
  ['https://login.example#a', /a fragment/],
  ['https://admin:word@login.example', /a user name/],
  ['file:///etc/keys', /is neither https/],
];

export const subjectCases: readonly Case[] = [
  {
    title: 'a `sub_max_bytes` without end, which sizes do not count with',
    graph: graph({
      subjects: "login: { issuer: 'https://login.example', audience: app, sub_max_bytes: ‸1e400 }",
    }),
    finds: ['wrong-type'],
  },
  ...URLS.map(([url, message]) => ({
    title: `the provider URL ${url}`,
    graph: graph({ subjects: `login: { issuer: ‸'${url}', audience: app }` }),
    finds: ['subject-url'] as const,
    message,
  })),
  {
    title: 'a `when` with a number that no token of a user can have',
    graph: graph({
      call: '{ scopes: [browse, refund], when: { refund: { tenant: [7, ‸9007199254740993] } } }',
    }),
    finds: ['inexact-number'],
  },
  {
    title: 'an unknown rule for delegated tokens',
    graph: graph({ subjects: provider('login', 'act: ‸accept') }),
    finds: ['invalid-value'],
    hint: /refuse, ignore/,
  },
  {
    title: 'keys of a provider that come over plain http',
    graph: graph({ subjects: provider('login', "jwks_uri: ‸'http://login.example/jwks'") }),
    finds: ['subject-url'],
  },
  {
    title: 'the issuer as its own provider',
    graph: graph({ subjects: "login: { issuer: ‸'http://127.0.0.1:8080', audience: app }" }),
    finds: ['subject-is-issuer'],
    message: /login is the issuer of this graph itself/,
  },
  {
    title: 'a provider that no one declares, with the nearest one',
    graph: graph({ grants: 'grants: [token_exchange], subjects: [‸logon]' }),
    finds: ['unknown-subject'],
    message: /no provider logon/,
    hint: /login/,
  },
  {
    title: 'a provider that no one declares, where there is none near',
    graph: graph({ grants: 'grants: [jwt_bearer], subjects: [login, ‸partners]' }),
    finds: ['unknown-subject'],
    hint: /under `subjects`/,
  },
  {
    title: 'two providers with one prefix',
    graph: graph({
      subjects: `${provider('a', 'prefix: users')}, ‸${provider('b', 'prefix: users')}`,
      grants: 'grants: [token_exchange], subjects: [a, b]',
    }),
    finds: ['subject-prefix'],
    message: /a and b have the same prefix/,
  },
  {
    title: "a prefix that is another provider's name",
    graph: graph({ subjects: `${LOGIN}, ‸${provider('b', 'prefix: login')}` }),
    finds: ['subject-prefix'],
    message: /login and b have the same prefix/,
  },
  {
    title: 'a prefix that begins as another one does, a colon behind',
    graph: graph({ subjects: `${LOGIN}, ‸${provider('b', "prefix: 'login:eu'")}` }),
    finds: ['subject-prefix'],
    message: /login and b/,
  },
  {
    title: 'no prefix beside another provider',
    graph: graph({ subjects: `${LOGIN}, ‸${provider('b', "prefix: ''")}` }),
    finds: ['subject-prefix'],
    message: /b has no prefix, and there are other providers/,
  },
  ...[
    ['in all', ''],
    ['but for kinds that do not exclude each other', ', token_types: [id_token]'],
    ['but for the parties', ', authorized_parties: [x]'],
  ].map(([title, more]) => ({
    title: `two providers of one client that are alike ${title}`,
    graph: graph({
      subjects: `${LOGIN}, again: { issuer: 'https://login.example', audience: app ${more} }`,
      grants: 'grants: [token_exchange], subjects: [login, ‸again]',
    }),
    finds: ['subject-ambiguous'] as const,
    message: /for web does not say whether it is of login or of again/,
  })),
  {
    title: 'a condition on a claim that the client gives',
    graph: graph({
      claims: 'claims: { role: { from: client, max_bytes: 16 } }',
      service: 'claims: [role],',
      call: '{ scopes: [browse, refund], when: { refund: { ‸role: [admin] } } }',
    }),
    finds: ['condition-claim'],
    message: /role is no claim of a subject: the client gives it/,
  },
  {
    title: 'a condition on a claim with a fixed value',
    graph: graph({
      claims: 'claims: { role: { value: admin } }',
      service: 'claims: [role],',
      call: '{ scopes: [browse, refund], when: { refund: { ‸role: [admin] } } }',
    }),
    finds: ['condition-claim'],
    message: /its value is fixed/,
  },
  {
    title: 'a grant of users without a provider',
    graph: graph({ grants: 'grants: [client_credentials, token_exchange]' }).replace('  web:', '  ‸web:'),
    finds: ['subjects-and-grants'],
    message: /web may exchange tokens, and names no provider/,
    hint: /subjects: \[…\]/,
  },
  {
    title: 'the grant jwt_bearer without a provider',
    graph: graph({ grants: 'grants: [jwt_bearer]' }).replace('  web:', '  ‸web:'),
    finds: ['subjects-and-grants'],
  },
  {
    title: 'providers of a client that exchanges nothing',
    graph: graph({ grants: 'subjects: [login]' }).replace('  web:', '  ‸web:'),
    finds: ['subjects-and-grants'],
    message: /web names providers, and no grant/,
    hint: /grants: \[token_exchange\]/,
  },
  {
    title: 'a scope for some users of a client that has none',
    graph: graph({
      grants: 'grants: [client_credentials]',
      call: '{ scopes: [browse, refund], when: { ‸refund: { role: [admin] } } }',
    }),
    finds: ['subjects-and-grants'],
    message: /asks for itself alone/,
  },
  {
    title: 'a condition on a scope that the call does not name',
    graph: graph({ call: '{ scopes: [browse, refund], when: { ‸refunds: { role: [admin] } } }' }),
    finds: ['unknown-scope'],
    hint: /refund/,
  },
  {
    title: 'a condition that no value meets',
    graph: graph({ call: '{ scopes: [browse, refund], when: { refund: { role: ‸[] } } }' }),
    finds: ['invalid-value'],
    message: /role is empty/,
  },
  {
    title: 'a condition that asks for nothing, which would let everyone have the scope',
    graph: graph({ call: '{ scopes: [browse, refund], when: { refund: ‸{} } }' }),
    finds: ['invalid-value'],
  },
  {
    title: 'a condition whose values are no list',
    graph: graph({ call: '{ scopes: [browse, refund], when: { refund: { role: ‸admin } } }' }),
    finds: ['wrong-type'],
  },
  {
    title: "a user's claim that a client without users can never fill",
    graph: graph({
      grants: 'grants: [client_credentials]',
      claims: 'claims: { email: { from: subject, max_bytes: 64 } }',
      service: 'claims: [email!],',
    }).replace('  web:', '  ‸web:'),
    finds: ['claim-without-value'],
    message: /needs the claim email of a user, and web has no value/,
    hint: /subjects/,
  },
  {
    title: "a user's claim for which a client gives a value",
    graph: graph({
      grants: 'grants: [token_exchange], subjects: [login], claims: { ‸email: x }',
      claims: 'claims: { email: { from: subject, max_bytes: 64 } }',
      service: 'claims: [email!],',
    }),
    finds: ['unknown-claim'],
  },
];
