/** Istio's own schemas; not part of the project, so the folder is named by WAYBILL_SAMPLES. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { loadAll } from 'js-yaml';
import { EXPORT_MODES, istioResources } from '../../../../src/architect/export/index.ts';
import { projectGraphs } from '../../../support/graphs/project.ts';

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: { readonly properties: { readonly spec: object } } };
    }[];
  };
}

const file = path.join(process.env['WAYBILL_SAMPLES'] ?? '', 'istio-crds/crds.yaml');
const isThere = process.env['WAYBILL_SAMPLES'] !== undefined && existsSync(file);
const KINDS = new Set([
  'AuthorizationPolicy',
  'EnvoyFilter',
  'PeerAuthentication',
  'RequestAuthentication',
  'Sidecar',
]);

describe(`Istio's schemas${isThere ? '' : ' (skipped: WAYBILL_SAMPLES names no folder)'}`, () => {
  const test = isThere ? it : it.skip;

  let validators: ReturnType<typeof readValidators>;
  before(() => {
    if (isThere) validators = readValidators();
  });

  for (const { title, plan: compiled } of projectGraphs) {
    test(`accept every resource of ${title}`, () => {
      const plan = compiled();
      const modes = EXPORT_MODES.map((mode) => istioResources(plan, { mode }).resources);
      for (const resources of modes) expect(resources.length).to.be.greaterThan(plan.services.size);
      for (const { apiVersion, kind, metadata, spec } of modes.flat()) {
        const validate = validators.get(`${apiVersion} ${kind}`);
        expect(validate, `${apiVersion} ${kind}`).not.to.equal(undefined);
        expect(validate!(spec), `${kind} ${metadata.name}: ${JSON.stringify(validate!.errors)}`).to.equal(
          true,
        );
      }
    });
  }

  /** Unknown members are refused, which the schemas alone do not. */
  function readValidators() {
    const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
    return new Map(
      (loadAll(readFileSync(file, 'utf8')) as (Definition | null)[]).flatMap((definition) => {
        if (!definition || !KINDS.has(definition.spec.names.kind)) return [];
        const { group, names, versions } = definition.spec;
        return versions.map(({ name, schema }) => [
          `${group}/${name} ${names.kind}`,
          ajv.compile(closed(schema.openAPIV3Schema.properties.spec)),
        ]);
      }),
    );
  }
});

function closed(schema: unknown): object {
  const copy = structuredClone(schema) as Record<string, unknown>;
  close(copy);
  return copy;
}

function close(node: unknown): void {
  if (Array.isArray(node)) return node.forEach(close);
  if (node === null || typeof node !== 'object') return;
  const schema = node as Record<string, unknown>;
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true || 'additionalProperties' in schema;
  if (schema['type'] === 'object' && 'properties' in schema && !isOpen)
    schema['additionalProperties'] = false;
  Object.values(schema).forEach(close);
}
