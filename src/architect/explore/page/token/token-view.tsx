/** Decodes, verifies and draws a pasted token. It never leaves the page. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { isWaybillError } from '../../../../errors.ts';
import { parseExactly } from '../../../../input/exact-number.ts';
import type { Plan } from '../../../../graph/index.ts';
import { payloadTextOf } from '../../../../token/index.ts';
import { Note } from '../request/summary.tsx';
import { Json } from '../service/json.tsx';
import { bytesText, plural } from '../text.ts';
import { Diagram } from '../tree/diagram.tsx';
import { tokenCards } from './cards.tsx';
import { decode, type Decoded, type DecodedNode } from './decode.ts';

export interface TokenViewProps {
  /** Names services by their audience; undefined if the graph has errors. */
  readonly plan: Plan | undefined;
  /** The issuer's keys; null if the page has none. */
  readonly keys: unknown;
}

type Result = { readonly decoded: Decoded } | { readonly refused: string } | undefined;

export function TokenView({ plan, keys: given }: TokenViewProps): JSX.Element {
  const [token, setToken] = useState('');
  const [keys, setKeys] = useState(given === null ? '' : JSON.stringify(given, null, 2));
  const [issuer, setIssuer] = useState(plan?.issuer.url ?? '');
  const [result, setResult] = useState<Result>();
  useEffect(() => {
    let current = true;
    if (token.trim() === '') return setResult(undefined);
    decode(token, keys, issuer).then(
      (decoded) => current && setResult({ decoded }),
      (error: unknown) =>
        current && setResult({ refused: isWaybillError(error) ? error.message : 'it cannot be read' }),
    );
    return () => {
      current = false;
    };
  }, [token, keys, issuer]);
  return (
    <div class="token-view">
      <form class="paste" onSubmit={(event) => event.preventDefault()}>
        <h2>Decode a token</h2>
        <p class="hint">
          Nested or packed (<code>wb1~</code>), alone or as a response of the token endpoint. The page decodes
          and verifies it itself and sends nothing.
        </p>
        <Area label="Token" value={token} onInput={setToken} rows={8} />
        <Area label="Public keys of the issuer (JWK Set)" value={keys} onInput={setKeys} rows={6} />
        <label class="field tall">
          <span>Issuer</span>
          <input
            type="text"
            value={issuer}
            spellcheck={false}
            onInput={({ currentTarget }) => setIssuer(currentTarget.value)}
          />
        </label>
      </form>
      <div class="decoded" aria-live="polite">
        {result === undefined && (
          <p class="empty">Paste a token to see its tree, with each token verified.</p>
        )}
        {result && 'refused' in result && (
          <Note state="over">The token cannot be read: {result.refused}.</Note>
        )}
        {result && 'decoded' in result && <DecodedTree decoded={result.decoded} plan={plan} />}
      </div>
    </div>
  );
}

interface AreaProps {
  readonly label: string;
  readonly value: string;
  readonly rows: number;
  readonly onInput: (text: string) => void;
}

function Area({ label, value, rows, onInput }: AreaProps): JSX.Element {
  return (
    <label class="field tall">
      <span>{label}</span>
      <textarea
        rows={rows}
        value={value}
        spellcheck={false}
        autocomplete="off"
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
    </label>
  );
}

function DecodedTree({ decoded, plan }: { decoded: Decoded; plan: Plan | undefined }): JSX.Element {
  const { nodes, sealed, onDemand, encoding, sizes, unverified } = decoded;
  const [selected, setSelected] = useState('/');
  const cards = useMemo(() => tokenCards(decoded, plan), [decoded, plan]);
  // For a token that is fetched when needed, or cannot be read, show the token of its caller.
  const shows = [...sealed, ...onDemand].find(({ path }) => path === selected)?.parent ?? selected;
  const chosen = nodes.find(({ path }) => path === shows) ?? nodes[0];
  const failed = nodes.filter(({ verdict }) => verdict && !verdict.holds).length;
  return (
    <>
      <div class="summary" role="status">
        <Holder node={nodes[0]} />
        <p class={`verdict ${unverified ? 'unknown' : failed > 0 ? 'fails' : 'holds'}`}>
          {unverified ??
            (failed > 0
              ? `${failed} of ${plural(nodes.length, 'token')} do not verify`
              : `${plural(nodes.length, 'token')}, all verified`)}
        </p>
        <p class="muted">
          {encoding === 'packed'
            ? `packed, ${bytesText(sizes.packed)} B (nested: ${bytesText(sizes.nested)} B)`
            : `nested, ${bytesText(sizes.nested)} B (packed: ${bytesText(sizes.packed)} B)`}
        </p>
      </div>
      <Diagram
        nodes={cards}
        selected={cards.some(({ id }) => id === selected) ? selected : chosen?.path}
        onSelect={setSelected}
        title="Token tree"
        label="The tokens of this tree"
      />
      {chosen && (
        <div class="halves">
          <Json label="Payload" value={shown(chosen)} />
          <div>
            <Json label="Header" value={chosen.tree.header} />
            {chosen.verdict && !chosen.verdict.holds && <Note state="over">{chosen.verdict.reason}</Note>}
            <p class="hint">
              {bytesText(chosen.tree.bytes)} B nested, expires{' '}
              {new Date(chosen.tree.claims.exp * 1000).toLocaleString()}
            </p>
          </div>
        </div>
      )}
    </>
  );
}

function Holder({ node }: { node: DecodedNode | undefined }): JSX.Element {
  const { sub, client_id: client } = node?.tree.claims ?? {};
  return (
    <p class="headline">
      {sub === client ? (
        <>
          <b>{client}</b> in its own name
        </>
      ) : (
        <>
          <b>{client}</b> for <b>{sub}</b>
        </>
      )}
    </p>
  );
}

/** The payload, with numbers as written, and with sizes in place of children, which have cards of their own. */
function shown({ tree }: DecodedNode): object {
  const { compact } = tree;
  const children = [...tree.children, ...tree.sealed];
  const payload = parseExactly(payloadTextOf(compact)) as object;
  if (children.length === 0) return payload;
  const embedded = Object.fromEntries(
    children.map(({ name, bytes }) => [name, `<its token, ${bytesText(bytes)} bytes>`]),
  );
  return { ...payload, embedded };
}
