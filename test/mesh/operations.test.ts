/** Which scopes a request needs, and which spellings of a path are refused. */
import { expect } from 'chai';

import { Operations } from '../../src/mesh/operations.ts';
import { codeOf } from './codes.ts';

const table = new Operations({
  read: ['GET /orders/{id}', 'GET /orders', 'GET /files/*', 'ANY /report-{year}.json'],
  write: ['POST /orders', '/shop.v1.Cart/Add'],
  admin: ['ANY /admin/*'],
});
const scopes = (method: string, url: string) => table.scopesFor({ method, url });

describe('The operations of a sidecar', () => {
  it('are matched by method and whole path', () => {
    expect(scopes('GET', '/orders')).to.deep.equal(['read']);
    expect(scopes('POST', '/orders?x=/admin/')).to.deep.equal(['write']);
    expect(scopes('GET', '/orders/17')).to.deep.equal(['read']);
    expect(scopes('DELETE', '/report-2026.json')).to.deep.equal(['read']);
    expect(scopes('GET', '/files/a/b')).to.deep.equal(['read']);
    expect(scopes('POST', '/shop.v1.Cart/Add')).to.deep.equal(['write']);
    for (const [method, url] of [
      ['get', '/orders'],
      ['GET', '/orders/'],
      ['GET', '/orders/1/2'],
      ['GET', '/Orders'],
      ['GET', '/files'],
      ['GET', '/report-.json'],
      ['GET', '/shop.v1.Cart/Add'],
      ['GET', '/ordersX'],
    ] as const)
      expect(scopes(method, url), `${method} ${url}`).to.deep.equal([]);
  });

  it('RFC 3986 section 6.2.2: are the same for escaped letters', () => {
    expect(scopes('GET', '/%61dmin/x')).to.deep.equal(['admin']);
    expect(scopes('GET', '/orders/caf%c3%a9')).to.deep.equal(['read']);
  });

  it('refuse a path that servers read in two ways', () => {
    for (const url of [
      ...[
        '/files/../admin/x',
        '/files/%2e%2e/admin',
        '/files/..;/admin',
        '/files/;/admin',
        '/files/;x/admin',
        '/files/%3b/admin',
        '/files/.%2e;a/x',
        '/./orders',
      ],
      ...['/files/%2fadmin', '/files/%5cadmin', '/files\\admin', '/files/%252e%252e/admin', '//admin/x'],
      ...['/files/%00', '/files/%0d%0a', '/files/\u00e9', '/files/%c0%ae%c0%ae/', '/files/%ff', '/files//x'],
      ...['*', '', 'admin', 'http://x/admin', '/files/%EF%BC%8Fx', '/files/a b'],
    ])
      expect(
        codeOf(() => scopes('GET', url)),
        url,
      ).to.equal('path_ambiguous');
  });

  it('are refused where they are not understood', () => {
    for (const text of [
      ...['orders', 'GET orders', 'GET /{a}{b}', 'GET /{a:x}', 'GET /a/../b'],
      ...['GET /a%2fb', 'GET /a//b', 'GET /a{', 'GET  ', 'queue.topic'],
    ])
      expect(
        codeOf(() => new Operations({ read: [text] })),
        text,
      ).to.equal('usage');
  });
});
