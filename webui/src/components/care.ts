// SPDX-License-Identifier: Apache-2.0
import type { Certificate } from "../api";

// needsCare says whether somebody should do something about a certificate: it is
// about to expire, is missing, its CA does not give it, or clients may refuse
// it. The navigation, the overview and the list count by it.
export const needsCare = (c: Certificate) => c.state !== "valid" || (c.warnings?.length ?? 0) > 0 || c.acme?.state === "failed";
