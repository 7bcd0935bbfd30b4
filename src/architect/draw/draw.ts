/** Renders a plan as a picture, within size limits. */
import { usageError } from '../../errors.ts';
import { callersOf, didYouMean, type Plan } from '../../graph/index.ts';
import type { RequestPlan } from '../../planning/index.ts';
import { renderDot } from './dot.ts';
import { graphPicture } from './graph-picture.ts';
import { renderMermaid } from './mermaid.ts';
import { neighbourhood } from './neighbourhood.ts';
import { nodesOf, type Picture } from './picture.ts';
import { requestPicture } from './request-picture.ts';
import { scopePicture } from './scope-picture.ts';
import { renderSvg } from './svg.ts';

export type PictureFormat = 'svg' | 'dot' | 'mermaid';
export const PICTURE_FORMATS = ['svg', 'dot', 'mermaid'] as const satisfies readonly PictureFormat[];

export interface DrawOptions {
  readonly format: PictureFormat;
  /** Draw every scope, and calls from scope to scope. Default: false, one node for each service. */
  readonly scopes?: boolean;
  /** Draw only this client, service or callee, its callers and its callees. */
  readonly around?: string;
  /** Number of calls from `around`, in both directions. Default: 1. */
  readonly depth?: number;
}

/**
 * Draws who calls whom. Deterministic: the same plan and options give the same text.
 *
 * @throws WaybillError `usage` if `around` names nothing in the graph, or if the picture is too large.
 *
 * @example
 * ```ts
 * import { compileGraph, drawGraph } from 'waybill';
 *
 * const { plan } = compileGraph(['graphs/online-boutique.yaml']);
 * if (plan) console.log(await drawGraph(plan, { format: 'svg', around: 'checkoutservice' }));
 * ```
 */
export async function drawGraph(
  plan: Plan,
  { format, scopes = false, around, depth = 1 }: DrawOptions,
): Promise<string> {
  const only = around === undefined ? undefined : neighbourhood(plan, known(plan, around), depth);
  const drawn = (name: string): boolean => only?.has(name) ?? true;
  const picture = scopes ? scopePicture(plan, drawn) : graphPicture(plan, drawn);
  return render(picture, format, 'Draw a part of the graph with --around SERVICE and --depth N.');
}

/**
 * Draws the token tree of a request, with the bytes of every token.
 *
 * @param request a request of the same plan.
 * @throws WaybillError `usage` if the picture is too large.
 *
 * @example
 * ```ts
 * import { compileGraph, drawRequest, planRequest } from 'waybill';
 *
 * const { plan } = compileGraph(['graphs/online-boutique.yaml']);
 * if (plan) {
 *   const request = planRequest(plan, 'storefront', { scopes: ['checkout'] });
 *   console.log(await drawRequest(plan, request, 'mermaid'));
 * }
 * ```
 */
export async function drawRequest(plan: Plan, request: RequestPlan, format: PictureFormat): Promise<string> {
  return render(requestPicture(plan, request), format, 'Draw a request for fewer scopes.');
}

function known(plan: Plan, name: string): string {
  const names = new Set(
    callersOf(plan).flatMap((caller) => [caller.name, ...caller.branches.map(({ callee }) => callee)]),
  );
  if (names.has(name)) return name;
  throw usageError(
    `The graph has no client, service or callee ${name}. ${didYouMean(name, names)}`.trimEnd(),
  );
}

/** Limits for SVG: the layout of a graph takes seconds for this many arrows, and far longer for more. A tree is easier. */
const MAX_ARROWS: Readonly<Record<Picture['kind'], number>> = { graph: 120, tree: 300 };
/** Mermaid's defaults of `maxEdges` and `maxTextSize`. */
const MERMAID_ARROWS = 500;
const MERMAID_CHARACTERS = 50_000;

async function render(picture: Picture, format: PictureFormat, advice: string): Promise<string> {
  const [nodes, arrows] = [nodesOf(picture).length, picture.arrows.length];
  const size = `${nodes.toLocaleString('en')} boxes and ${arrows.toLocaleString('en')} arrows`;
  switch (format) {
    case 'dot':
      return renderDot(picture);
    case 'mermaid': {
      const text = renderMermaid(picture);
      if (arrows > MERMAID_ARROWS || text.length > MERMAID_CHARACTERS)
        throw usageError(
          `This picture has ${size}. By default, Mermaid draws at most ${MERMAID_ARROWS} arrows and ${MERMAID_CHARACTERS.toLocaleString('en')} characters. ${advice}`,
        );
      return text;
    }
    case 'svg':
      if (arrows > MAX_ARROWS[picture.kind])
        throw usageError(
          `This picture has ${size}. SVG is limited to ${MAX_ARROWS[picture.kind]} arrows. ${advice} Or use --format dot with a program for large graphs.`,
        );
      return renderSvg(picture);
  }
}
