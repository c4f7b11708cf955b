// SPDX-License-Identifier: Apache-2.0

// Package support makes one file of what helps to find a fault in a box that
// cannot be reached: a gzipped tar archive with a list of its contents, without
// secrets.
//
// Secrets go in two ways: what is known to be one is taken out wherever it stands,
// and so is whatever looks like one by its name or its form. Where in doubt, too
// much goes. The package does not know what the parts mean.
package support
