package document

import (
	"rsc.io/qr"

	"onebook/internal/fault"
)

const codeSize = 70.0 // points: an address of 110 characters still has modules of half a millimetre

// code is a QR code. Around it there must be white for four modules, which the headline leaves.
type code struct{ *qr.Code }

func encode(text string) (*code, error) {
	q, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fault.Invalid.Errorf("the link of the document is too long for a QR code: %w", err)
	}
	return &code{q}, nil
}

func (q *code) draw(c *canvas, x, y float64) {
	c.pdf.SetFillColor(0, 0, 0)
	side := codeSize / float64(q.Size)
	for row := range q.Size {
		for from := 0; from < q.Size; from++ {
			if !q.Black(from, row) {
				continue
			}
			to := from + 1
			for to < q.Size && q.Black(to, row) {
				to++
			}
			// A little overlap, or viewers show hair lines between the rows.
			c.pdf.Rect(x+float64(from)*side, y+float64(row)*side, float64(to-from)*side, side*1.02, "F")
			from = to
		}
	}
}
