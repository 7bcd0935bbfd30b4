/** As much of a browser as a login takes: it keeps cookies and follows redirects. */

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly text: string;
}

export interface Visit {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly status: number;
}

const REDIRECTS = 10;

export class Browser {
  /** Every request so far. */
  readonly visits: Visit[] = [];
  /** By origin: what one server sets goes to no other. */
  readonly #cookies = new Map<string, Map<string, string>>();

  /**
   * @param form is posted; without one the address is just opened.
   * @param until the address, or what it begins with, that is not opened any more.
   * @returns the page where the redirects end, or the address where they were to end.
   */
  async open(address: string, form?: Readonly<Record<string, string>>, until?: string): Promise<Page> {
    let [url, body] = [address, form && new URLSearchParams(form)];
    for (let count = 0; count <= REDIRECTS; count++) {
      if (until !== undefined && url.startsWith(until)) return { url, status: 0, text: '' };
      const method = body === undefined ? 'GET' : 'POST';
      const cookie = this.#cookiesFor(url);
      const response = await fetch(url, {
        method,
        body: body ?? null,
        headers: { cookie },
        redirect: 'manual',
      });
      this.#keep(url, response);
      this.visits.push({ method, url, status: response.status });
      const location = response.headers.get('location');
      if (location === null) return { url, status: response.status, text: await response.text() };
      url = new URL(location, url).href;
      body = undefined;
    }
    throw new Error(`${address} led to more than ${REDIRECTS} redirects`);
  }

  #cookiesFor(url: string): string {
    const cookies = this.#cookies.get(new URL(url).origin) ?? [];
    return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(url: string, { headers }: Response): void {
    const { origin } = new URL(url);
    const cookies = this.#cookies.get(origin) ?? new Map<string, string>();
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    this.#cookies.set(origin, cookies);
  }
}
