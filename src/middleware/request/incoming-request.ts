/** What a request shows of its token and of who presents it, out of any framework. */

import type { PresentedCertificate } from '../../identity/index.ts';
import type { AuthorizationHeader } from './authorization.ts';

export interface IncomingRequest {
  /** The lines of the `Authorization` header. */
  readonly authorization: AuthorizationHeader;
  /** The lines of the `DPoP` header. */
  readonly dpop?: AuthorizationHeader;
  readonly method?: string | undefined;
  /** As the request names it; of a whole address the path counts alone. */
  readonly url?: string | undefined;
  readonly certificate?: PresentedCertificate | undefined;
}
