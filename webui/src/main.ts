// SPDX-License-Identifier: Apache-2.0
//
// Where the build starts. The code is in app.tsx, which waits for boot.ts.
import "./kit";
