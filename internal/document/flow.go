package document

// A4 in points, and the space around the text.
const (
	pageWidth, pageHeight = 595.28, 841.89
	left, right           = 56.0, pageWidth - 56.0
	column                = right - left
	topFirst, topNext     = 44.0, 72.0
)

// strip is a slice of the document that no page break cuts.
type strip struct {
	height float64
	draw   func(c *canvas, y float64)
	glue   bool  // no page break behind it, if there is a way
	table  bool  // part of the table: a break behind it shows the sum so far
	row    bool  // begins a row, whose net amount is added to the sum
	net    int64 // that amount
	blank  bool  // nothing to see: not kept at the end
}

type placed struct {
	*strip
	y float64
}

// sheet is a page of the document.
type sheet struct {
	strips           []placed
	carried, brought *int64  // the sum so far at the end and at the beginning, where the table goes on
	end              float64 // where the strips end
}

// frame is what a page break costs.
type frame struct {
	bottom       float64 // where the text of a page ends
	head, carry  float64 // heights of the table's head and of the line of a carried sum
	continuation float64 // where the next page begins
}

// paginate puts strips on pages. Strips that are glued stay together unless they are taller than a page.
func paginate(strips []strip, f frame) []sheet {
	p := paginator{frame: f, y: topFirst, sheets: []sheet{{}}}
	for i := 0; i < len(strips); {
		end := i
		for end < len(strips)-1 && strips[end].glue {
			end++
		}
		unit := strips[i : end+1]
		if !p.fits(unit) && len(p.page().strips) > 0 {
			p.turn(unit[0].table)
		}
		whole := p.fits(unit)
		for j := range unit {
			if !whole && !p.fits(unit[j:j+1]) && len(p.page().strips) > 0 {
				p.turn(unit[j].table)
			}
			p.place(&unit[j])
		}
		i = end + 1
	}
	p.page().end = p.y
	return p.sheets
}

type paginator struct {
	frame
	sheets []sheet
	y      float64
	sum    int64
	rows   int
}

func (p *paginator) page() *sheet { return &p.sheets[len(p.sheets)-1] }

// fits tells whether a unit ends above the bottom, with the carried sum below it unless the table ends with it.
func (p *paginator) fits(unit []strip) bool {
	height := 0.0
	for i := range unit {
		height += unit[i].height
	}
	if unit[len(unit)-1].table {
		height += p.carry
	}
	return p.y+height <= p.bottom
}

func (p *paginator) turn(inTable bool) {
	inTable = inTable && p.rows > 0
	sum := p.sum
	p.page().end = p.y
	if inTable {
		p.page().carried = &sum
	}
	p.sheets = append(p.sheets, sheet{})
	p.y = p.continuation
	if inTable {
		p.page().brought = &sum
		p.y += p.head + p.carry
	}
}

func (p *paginator) place(s *strip) {
	p.page().strips = append(p.page().strips, placed{s, p.y})
	p.y += s.height
	if s.row {
		p.rows++
		p.sum += s.net
	}
}

// keep glues strips to what follows: all of a short text; of a long one the first two and the last two, so that no
// line stands alone on a page.
func keep(strips []strip, short int) {
	n := len(strips)
	for i := range n - 1 {
		strips[i].glue = strips[i].glue || n <= short || i < 1 || i == n-2
	}
}

func gap(height float64) strip {
	return strip{height: height, blank: true, draw: func(*canvas, float64) {}}
}
