package document

import "fmt"

const (
	carryHeight    = 23.0
	maxFooterLines = 4
)

// edges are what stands around the text of a page: running head, footer, page number, and the carried sums.
type edges struct {
	*maker
	grid           grid
	head           strip
	footer         []line
	footTop        float64
	bottom         float64
	running        [2]string
	numbers        []string
	carried, again string
	spill          string // a footer too long to stand on each page
}

func (m *maker) edges(g grid) *edges {
	e := &edges{maker: m, grid: g, head: m.tableHead(g)}
	if e.footer = m.lines(small, m.Footer, column-60); len(e.footer) > maxFooterLines {
		e.spill, e.footer = m.Footer, nil
	}
	e.footTop = pageHeight - 34 - float64(small.leading*float64(max(1, len(e.footer))))
	e.bottom = e.footTop - 10
	return e
}

// prepare prepares the texts that are known once the pages are.
func (e *edges) prepare(m *maker, sheets []sheet) {
	e.carried, e.again = m.line(body.in(grey), m.words.carried), m.line(body.in(grey), m.words.brought)
	for i := range sheets {
		e.numbers = append(e.numbers, m.line(small, fmt.Sprintf("%d / %d", i+1, len(sheets))))
		if s := sheets[i].carried; s != nil {
			m.line(body, m.figure(*s))
		}
	}
	if len(sheets) > 1 {
		first := func(lines []line) string { return append(lines, line{})[0].text }
		e.running = [2]string{first(m.lines(quiet, m.Seller.Name, column/2-10)),
			first(m.lines(quiet, m.title+" "+m.Number, column/2-10))}
	}
}

func (e *edges) draw(c *canvas, i int, s *sheet) {
	if i > 0 {
		c.text(quiet, left, 38, e.running[0])
		c.right(quiet, right, 38, e.running[1])
	}
	if s.brought != nil {
		e.head.draw(c, topNext)
		e.sum(c, topNext+e.head.height, e.again, *s.brought)
		c.rule(left, topNext+e.head.height+carryHeight-3, column, 0.5, faint)
	}
	for _, p := range s.strips {
		p.draw(c, p.y)
	}
	if s.carried != nil {
		c.rule(left, s.end+2, column, 0.8, ink)
		e.sum(c, s.end+2.5, e.carried, *s.carried)
	}
	c.rule(left, e.footTop-6, column, 0.5, faint)
	for n, line := range e.footer {
		c.text(small, left, e.footTop+float64(float64(n)*small.leading), line.text)
	}
	c.right(small, right, e.footTop, e.numbers[i])
}

func (e *edges) sum(c *canvas, y float64, text string, sum int64) {
	c.text(body.in(grey), left, y+3, text)
	c.right(body, e.grid.amount, y+3, e.figure(sum))
}
