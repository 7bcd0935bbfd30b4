/** The part of JSON Schema that the sidecar's schema uses and the code looks at. */
export interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

export type ObjectSchema = Schema & { readonly properties: Readonly<Record<string, Schema>> };

export function isObjectSchema(schema: Schema): schema is ObjectSchema {
  return schema.properties !== undefined;
}
