import { expect } from 'chai';
import express from 'express';

import { remoteAddress } from '../../../src/issuer/http/remote-address.ts';
import { addressList } from '../../../src/identity/index.ts';
import { closeServers, listen } from '../../support/http.ts';

describe('The address that a request comes from', () => {
  after(closeServers);

  /** As an application with these proxies sees a request with this `X-Forwarded-For`. */
  async function seen(proxies: readonly string[], forwarded?: string): Promise<string> {
    const app = express();
    const list = addressList(proxies);
    if (list) app.set('trust proxy', (address: string) => list.has(address));
    app.get('/', (request, response) => void response.send(remoteAddress(request)));
    const url = await listen(app);
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    return (await fetch(url, { headers })).text();
  }

  it('is that of the connection, whatever a header says', async () => {
    expect(await seen([])).to.equal('127.0.0.1');
    expect(await seen([], '198.51.100.7')).to.equal('127.0.0.1');
    expect(await seen(['10.0.0.0/8'], '198.51.100.7')).to.equal('127.0.0.1');
  });

  it('is the last one that no named proxy has', async () => {
    const proxies = ['127.0.0.1', '10.0.0.0/8'];
    expect(await seen(proxies)).to.equal('127.0.0.1');
    expect(await seen(proxies, '198.51.100.7')).to.equal('198.51.100.7');
    expect(await seen(proxies, '203.0.113.9, 198.51.100.7')).to.equal('198.51.100.7');
    expect(await seen(proxies, '203.0.113.9, 198.51.100.7, 10.1.2.3')).to.equal('198.51.100.7');
    expect(await seen(proxies, '10.9.9.9, 10.1.2.3')).to.equal('10.9.9.9');
  });

  for (const [proxy, port] of [
    ['10.0.0.6', '10.0.0.6:4001'],
    ['10.0.0.6', '"10.0.0.6:4001"'],
    ['10.0.0.6', '::ffff:10.0.0.6'],
    ['10.0.0.6', '[::ffff:10.0.0.6]:443'],
    ['10.0.0.0/8', '[::ffff:a00:6]'],
    ['2001:db8::6', '[2001:db8::6]:443'],
    ['2001:db8::6', '[2001:DB8:0::6]'],
    ['2001:db8::6', '"[2001:db8::6]:443"'],
    ['2001:db8::/32', '[2001:db8::6]:4001'],
    ['::ffff:10.0.0.6', '10.0.0.6:4001'],
    ['::ffff:10.0.0.0/104', '10.0.0.6:4001'],
    ['fe80::6', 'fe80::6%eth0'],
    ['fe80::6', '[fe80::6%eth0]:443'],
  ] as const) {
    it(`skips the named proxy ${proxy} if another proxy writes ${port}`, async () => {
      const proxies = ['127.0.0.1', proxy];
      expect(await seen(proxies, `198.51.100.7:5555, ${port}`)).to.equal('198.51.100.7');
      expect(await seen(proxies, `203.0.113.9, 198.51.100.7, ${port}, ${port}`)).to.equal('198.51.100.7');
    });
  }

  it('does not accept an address that only looks like a named proxy', async () => {
    const proxies = ['127.0.0.1', '10.0.0.6', '2001:db8::6'];
    for (const text of ['10.0.0.6:port', '10.0.0.6:4001:1', '10.0.0.6.evil', 'x10.0.0.6:4001', '[10.0.0.6']) {
      expect(await seen(proxies, `198.51.100.7, ${text}`), text).to.equal('127.0.0.1');
    }
    expect(await seen(proxies, `198.51.100.7, ${'['.repeat(4_000)}10.0.0.6`)).to.equal('127.0.0.1');
  });

  for (const [text, address] of [
    ['198.51.100.7:4711', '198.51.100.7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['::ffff:c633:6407', '198.51.100.7'],
    ['[::ffff:198.51.100.7]:80', '198.51.100.7'],
    ['unknown', '127.0.0.1'],
    ['198.51.100.256', '127.0.0.1'],
    ['', '127.0.0.1'],
  ] as const) {
    it(`is ${address} where a proxy writes "${text}"`, async () => {
      expect(await seen(['127.0.0.1'], text)).to.equal(address);
    });
  }

  it('RFC 4291 section 2.5.1: of an IPv6 address the half that its bearer does not choose', async () => {
    for (const text of [
      '2001:db8:0:7::1',
      '2001:DB8:0:7:ffff:ffff:ffff:ffff',
      '[2001:db8::7:0:0:0:2]:443',
      '2001:db8:0:7:1::%eth0',
    ]) {
      expect(await seen(['127.0.0.1'], text), text).to.equal('2001:db8:0:7::/64');
    }
    expect(await seen(['127.0.0.1'], '2001:db8:0:8::1')).to.equal('2001:db8:0:8::/64');
    expect(await seen(['127.0.0.1'], '::1')).to.equal('0:0:0:0::/64');
  });

  it('names a network by its addresses, and nothing else', () => {
    expect(addressList([])).to.equal(undefined);
    for (const wrong of ['localhost', '10.0.0.0/33', '10.0.0.0/8/8', '', '::/129'])
      expect(addressList(['127.0.0.1', wrong]), wrong).to.equal(undefined);
    const list = addressList(['10.0.0.0/8', '::1']);
    for (const [address, has] of [
      ['10.2.3.4', true],
      ['::ffff:10.2.3.4', true],
      ['::1', true],
      ['10.2.3.4:80', true],
      ['[::1]:80', true],
      ['[::1%lo]:80', true],
      ['::1%lo', true],
      ['11.0.0.1:80', false],
      ['10.2.3.4:123456', false],
      ['11.0.0.1', false],
      ['nonsense', false],
      [undefined, false],
    ] as const)
      expect(list?.has(address), address).to.equal(has);
  });
});
