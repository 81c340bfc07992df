package document

import (
	"fmt"
	"strconv"

	"rsc.io/qr"

	"onebook/internal/fault"
)

const codeSize = 70.0 // points: an address of 110 characters still has modules of half a millimetre

// code is a QR code. Around it there must be white for four modules, which the headline leaves.
type code struct{ *qr.Code }

func encode(text string) (*code, error) {
	q, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fault.Invalid.Errorf("the link or transfer of the document is too long for a QR code: %w", err)
	}
	return &code{q}, nil
}

// draw fills all modules as one path, in which viewers show no seams, and counts in modules, which keeps it short.
func (q *code) draw(c *canvas, x, y float64) {
	side := codeSize / float64(q.Size)
	ops := fmt.Appendf(nil, "q 0 g %.4f 0 0 %.4f %.2f %.2f cm", side, -side, x, pageHeight-y)
	for row := range q.Size {
		for from := 0; from < q.Size; from++ {
			to := from
			for to < q.Size && q.Black(to, row) {
				to++
			}
			if to > from {
				for _, n := range [3]int{from, row, to - from} {
					ops = strconv.AppendInt(append(ops, ' '), int64(n), 10)
				}
				ops = append(ops, " 1 re"...)
				from = to
			}
		}
	}
	c.pdf.RawWriteStr(string(append(ops, " f Q\n"...)))
}
