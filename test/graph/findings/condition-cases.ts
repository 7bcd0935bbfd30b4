/** Conditions on calls and scopes. */
import { HEAD } from '../../support/compile.ts';
import type { Case } from './case.ts';

interface Parts {
  subjects?: string;
  grants?: string;
  /** Of web's call of the shop. */
  call?: string;
  /** Of the shop's scope `refund`. */
  refund?: string;
  conditions?: string;
  claims?: string;
  more?: string;
}

const LOGIN = "login: { issuer: 'https://login.example', audience: app }";
const OTHER = "other: { issuer: 'https://other.example', audience: app }";
const CLAIMS =
  'role: { from: subject, type: strings }, plan: { from: client, type: string }, amount: { from: request, type: int }';

/** A client whose users of `login` reach one service. */
const graph = ({
  subjects = LOGIN,
  grants = 'grants: [token_exchange], subjects: [login]',
  call = '{ scopes: [browse, refund] }',
  refund = '',
  conditions = '',
  claims = CLAIMS,
  more = '',
}: Parts): string => `${HEAD}
subjects: { ${subjects} }
claims: { ${claims} }
conditions: { ${conditions} }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, ${grants}, claims: { plan: gold }, calls: { shop: ${call} } }
services:
  shop: { claims: [role, plan], scopes: { browse: , refund: { claims: [amount], ${refund} } } }
${more}`;

/** The text of a guard of `refund`, in which `"` needs no escape. */
const guard = (text: string, parts: Parts = {}): string => graph({ ...parts, refund: `when: ‸'${text}'` });

const deep = `${'('.repeat(40)}has(subject.role)${')'.repeat(40)}`;
const many = Array.from({ length: 43 }, (_, n) => `auth.age < ${n + 1}`).join(' || ');
const members = Array.from({ length: 65 }, (_, n) => n).join();

const REFUSED: readonly (readonly [text: string, code: Case['finds'][number], message: RegExp])[] = [
  ['provider ==', 'condition-syntax', /is not CEL/],
  ['', 'condition-syntax', /is not CEL/],
  ['"a" in subject.rolle', 'unknown-claim', /No claim rolle is declared with `from: subject`/],
  ['subject.plan == "a"', 'unknown-claim', /No claim plan .* `from: subject`/],
  ['staf', 'unknown-condition', /no condition and no fact staf/],
  ['auth.level == "a"', 'unknown-condition', /no fact auth.level/],
  ['subject.role == 1', 'condition-type', /types that do not fit/],
  ['auth.acr in [1]', 'condition-type', /types that do not fit/],
  ['auth.age', 'condition-type', /not true or false, but of the type int/],
  ['"a" in subject.role && auth.age', 'condition-type', /types that do not fit/],
  ['provider.matches("a+")', 'condition-unsupported', /a part of CEL that conditions do not have/],
  ['"(a+)+$".matches(provider)', 'condition-unsupported', /a part of CEL/],
  ['auth.age + 1 < 3', 'condition-unsupported', /auth.age \+ 1 has a part/],
  ['auth.age < 3 ? true : false', 'condition-unsupported', /a part of CEL/],
  ['subject["role"] == ["a"]', 'condition-unsupported', /a part of CEL/],
  ['subject.role[0] == "a"', 'condition-unsupported', /a part of CEL/],
  ['subject.role.map(x, x) == ["a"]', 'condition-unsupported', /a part of CEL/],
  ['subject.role.filter(x, true) == ["a"]', 'condition-unsupported', /a part of CEL/],
  ['subject.role.exists_one(x, x == "a")', 'condition-unsupported', /a part of CEL/],
  ['int(provider) == 1', 'condition-unsupported', /a part of CEL/],
  ['timestamp("2027-01-01T00:00:00Z") == timestamp(provider)', 'condition-unsupported', /a part of CEL/],
  ['1.5 < 2.5', 'condition-unsupported', /a part of CEL/],
  ['provider == null', 'condition-unsupported', /a part of CEL/],
  ['provider == b"a"', 'condition-unsupported', /a part of CEL/],
  ['auth.age < 9007199254740993', 'condition-unsupported', /no token can carry/],
  ['subject.role.exists(x, subject.role.exists(y, x == y))', 'condition-unsupported', /inside another/],
  ['subject.role.exists(subject, true)', 'condition-unsupported', /cannot name the members/],
  ['provider in [client.plan]', 'condition-unsupported', /stands in a list/],
  ['subject.role.size.x == 1', 'condition-unsupported', /looks inside a value/],
  ['subject == 1', 'condition-unsupported', /subject is no fact itself/],
  [deep, 'condition-unsupported', /too large/],
  [many, 'condition-unsupported', /parts; 128 are allowed/],
  [`auth.age in [${members}]`, 'condition-unsupported', /too large/],
  [`provider == "${'a'.repeat(1_020)}"`, 'condition-unsupported', /1034 characters; 1024 are allowed/],
];

export const conditionCases: readonly Case[] = [
  ...REFUSED.map(([text, code, message]) => ({
    title: `the condition ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`,
    graph: guard(text),
    finds: [code],
    message,
  })),
  {
    title: 'a condition of a call of a service that cannot be read',
    graph: graph({
      more: '  front: { scopes: { go: { calls: { shop: { scopes: [browse], when: ‸provider } } } } }\n',
      call: '{ scopes: [browse, refund] }, front: [go]',
    }),
    finds: ['condition-type'],
  },
  {
    title: 'a condition that reads another one',
    graph: graph({
      conditions: 'staff: has(subject.role), strong: ‸staff && auth.age < 300',
      refund: 'when: staff && auth.age < 5',
    }),
    finds: ['condition-unsupported'],
    message: /It reads the condition staff/,
  },
  {
    title: 'a condition that nests exists through the name of another one',
    graph: graph({
      conditions: `staff: 'subject.role.exists(r, r == "staff")'`,
      refund: `when: ‸'subject.role.exists(r, staff && r != "guest")'`,
    }),
    finds: ['condition-unsupported'],
    message: /staff stands inside another exists or all/,
  },
  {
    title: 'a condition with a name, which is wrong, once',
    graph: graph({ conditions: "staff: ‸'provider = 1'", refund: 'when: staff' }),
    finds: ['condition-syntax'],
  },
  {
    title: 'a condition that has the name of a fact',
    graph: graph({ conditions: '‸provider: has(subject.role)' }),
    finds: ['invalid-value'],
    message: /provider cannot be the name/,
  },
  {
    title: 'two conditions of one name',
    graph: {
      'a.yaml': graph({ conditions: 'staff: has(subject.role)' }),
      'b.yaml': 'waybill: 1\nconditions: { ‸staff: has(subject.role) }\n',
    },
    finds: ['duplicate-name'],
  },
  {
    title: 'a condition on a call without a token',
    graph: graph({
      more: '',
      refund: "calls: { queue: { mode: none, when: ‸'auth.age < 5' } }",
    }),
    finds: ['invalid-value'],
    message: /`mode: none` and a condition/,
  },
  {
    title: 'a condition on a forwarded token',
    graph: graph({
      claims: 'amount: { from: request, type: int }',
      refund: "calls: { bank: { scopes: [pay], mode: forward, when: ‸'auth.age < 5' } }",
      more: '  bank: { caller: none, accepts_forward: [shop], claims: [amount], scopes: { pay: } }\n',
    })
      .replace('claims: [role, plan], ', '')
      .replace('claims: { plan: gold }, ', ''),
    finds: ['invalid-value'],
    message: /`mode: forward` and a condition/,
    hint: /`when` of the scope/,
  },
  {
    title: 'a condition of a client on a request claim that the callee does not see',
    graph: graph({ call: "{ scopes: [browse, refund], when: { browse: ‸'request.amount < 5' } }" }),
    finds: ['condition-not-carried'],
    message: /The condition on shop:browse reads request.amount/,
  },
  {
    title: 'a named condition on a request claim that the callee does not see, at its use',
    graph: graph({
      conditions: "small: 'request.amount < 5'",
      call: '{ scopes: [browse, refund], when: ‸small }',
    }),
    finds: ['condition-not-carried'],
  },
  {
    title: 'a value that the claim never has',
    graph: graph({ call: '{ scopes: [browse, refund], when: { refund: { ‸role: [1] } } }' }),
    finds: ['condition-type'],
    message: /role is never 1: its type is strings/,
  },
  {
    title: 'a bare name of a request claim',
    graph: graph({ call: '{ scopes: [browse, refund], when: { refund: { ‸amount: [1] } } }' }),
    finds: ['condition-claim'],
    hint: /request.amount/,
  },
  ...['1 == 1', 'auth.age < 5 || true'].map((text) => ({
    title: `a condition that is always true: ${text}`,
    graph: guard(text),
    finds: ['condition-constant'] as const,
  })),
  {
    title: 'a condition that is never true, which nobody can meet',
    graph: guard('auth.age < 5 && false').replace('‸', '‸‸'),
    finds: ['condition-constant', 'condition-never-met'],
  },
  {
    title: "a condition on a client's value that no client has",
    graph: guard('client.plan == "silver"'),
    finds: ['condition-never-met'],
    message: /No client that leads here can meet this condition: web/,
  },
  {
    title: 'a condition on users below a client that asks for itself',
    graph: guard('"support" in subject.role', { grants: 'grants: [client_credentials]' }),
    finds: ['condition-never-met'],
  },
  {
    title: 'a negated condition on users below a client that asks for itself',
    graph: guard('!("support" in subject.role)', { grants: 'grants: [client_credentials]' }),
    finds: ['condition-never-met'],
  },
  {
    title: 'a condition on a provider that no client has',
    graph: guard('provider == "workforce"'),
    finds: ['condition-never-met'],
  },
  {
    title: 'a condition on what a gateway sets, where clients have the tokens themselves',
    graph: guard('request.ip.startsWith("10.")', {
      claims: `${CLAIMS}, ip: { from: request, type: string, set_by: gateway }`,
    }).replace('claims: [amount]', 'claims: [amount, ip]'),
    finds: ['condition-never-met'],
  },
  {
    title: 'a condition on a user of any of several providers',
    graph: guard('"support" in subject.role', {
      subjects: `${LOGIN}, ${OTHER}`,
      grants: 'grants: [token_exchange], subjects: [login, other]',
    }),
    finds: ['ambiguous-provider'],
    message: /web has users of login and other/,
  },
  {
    title: 'a level that no provider has, with the nearest one',
    graph: guard('auth.acr in ["mfa", "mfaa"]', {
      subjects: "login: { issuer: 'https://login.example', audience: app, acr: { mfa: [two] } }",
    }),
    finds: ['unknown-level'],
    message: /No provider says which logins have the level mfaa/,
    hint: /mfa/,
  },
  {
    title: 'a level among several providers that have none',
    graph: guard('provider == "login" && auth.acr == "mfa"', {
      subjects: `${LOGIN}, ${OTHER}`,
      grants: 'grants: [token_exchange], subjects: [login, other]',
    }).replace('‸', '‸‸'),
    finds: ['unknown-level', 'condition-never-met'],
  },
];
