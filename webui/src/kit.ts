// SPDX-License-Identifier: Apache-2.0
//
// All that pages may use, in one import: import { Page, Table, t } from "../kit".
// Every page must import from here; it makes the console's core one file.
export type * as api from "./api";
export type { Role } from "./api";
export * from "./clock";
export * from "./components/button";
export * from "./components/chart";
export * from "./components/dialog";
export * from "./components/errors";
export * from "./components/form";
export * from "./components/gate";
export * from "./components/icons";
export * from "./components/menu";
export * from "./components/page";
export { type Command, useCommands } from "./components/palette";
export * from "./components/status";
export * from "./components/table";
export * from "./components/text";
export { announce, toast, toastError } from "./components/toast";
export * from "./components/value";
export { format } from "./formats";
export { colon, comma, has, lang, type Said, saidText, say, sayAll, semicolon, t, tx } from "./i18n";
export { useKeys } from "./keys";
export * from "./live";
export { go, holdUnsaved, href, place, query, setQuery } from "./router";
export { badges } from "./routes";
export { call, connection, enter, hello, may, mutate, newKey, plainCall, streams } from "./session";
export { useCall } from "./usecall";
export { CallError, Code } from "./wire";
export type { PageProps } from "./app";
// Last: the app draws pages, which need all of the above.
import "./app";
