// SPDX-License-Identifier: Apache-2.0
//
// The methods, topics and types of the box.
export * from "./api.gen";
