// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the light border that readers of QR codes want, in modules.
const quiet = 4

// qrSVG draws text as a QR code in SVG, dark on light in every theme: readers
// expect that. It is a picture of its own, without scripts, styles or links.
func qrSVG(text string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return "", err
	}
	b := code.Bounds()
	var d strings.Builder
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&d, "M%d %dh1v1h-1z", x-b.Min.X+quiet, y-b.Min.Y+quiet)
			}
		}
	}
	n := b.Dx() + 2*quiet
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%dv%dh-%dz"/><path fill="#000" d="%s"/></svg>`, n, n, n, n, n, d.String()), nil
}
