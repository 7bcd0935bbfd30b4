/** What the tests of a service need: `import { testIssuer } from 'waybill/testing'`. */

export { testClock, type TestClock } from './test-clock.ts';
export { testIssuer, type TestIssuer, type TestIssuerOptions } from './test-issuer.ts';
export type { TokenOptions, UserOptions } from './test-trees.ts';
