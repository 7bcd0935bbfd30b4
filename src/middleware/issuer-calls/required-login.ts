/** Reads which login the issuer asks for (RFC 9470), as its token endpoint answers it. */

import { StepUpRequired } from '../../errors.ts';
import { copyText } from '../../input/copy-text.ts';

/** Visible ASCII without `"` and `\\`, so that it can stand in a challenge (RFC 9470 section 3). */
const ACR_VALUES = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/;
const MAX_CHARS = 2_048;

/** @param body of a refusal with the error `insufficient_user_authentication`. What it lacks or has in another form is left out. */
export function stepUpRequired(message: string, body: Readonly<Record<string, unknown>>): StepUpRequired {
  const { acr_values: values, max_age: age } = body;
  const areValues = typeof values === 'string' && values.length <= MAX_CHARS && ACR_VALUES.test(values);
  return new StepUpRequired(message, {
    acrValues: areValues ? copyText(values).split(' ') : undefined,
    maxAge: Number.isSafeInteger(age) && Number(age) >= 0 ? Number(age) : undefined,
  });
}
