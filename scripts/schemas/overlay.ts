/** Writes `schemas/overlay.schema.json`, for editors: what Waybill makes of the schema of graphs. Run by `npm run schemas`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { overlaySchema, type SchemaDocument } from '../../src/graph/load/overlays/schema.ts';

const schemas = new URL('../../schemas/', import.meta.url);
const graph = JSON.parse(readFileSync(new URL('graph.schema.json', schemas), 'utf8')) as SchemaDocument;
const text = await format(JSON.stringify(overlaySchema(graph), null, 2), { parser: 'json', printWidth: 110 });
writeFileSync(new URL('overlay.schema.json', schemas), text);
