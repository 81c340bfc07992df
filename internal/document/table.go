package document

import (
	"fmt"
	"strings"
)

// grid has the places of the columns: the item's text begins at left, the figures end at these places.
type grid struct {
	quantity, price, tax float64 // right ends; 0 where no line has such a thing
	amount               float64
	item                 float64 // width of the text
	widths               struct{ quantity, price, tax float64 }
}

// The widest that a column becomes; what is wider is broken. An amount is never broken: the largest one fits.
const (
	maxQuantity, maxPrice, maxTax = 78.0, 92.0, 62.0
	between                       = 14.0
)

type row struct {
	Line
	quantity, price, amount string
}

func (m *maker) rows() []row {
	rows := make([]row, len(m.Lines))
	for i, l := range m.Lines {
		r := row{Line: l, amount: m.figure(l.Net)}
		if l.Quantity.Given() {
			r.quantity = minus(l.Quantity.Display(m.Locale))
			if l.Unit != "" {
				r.quantity += " " + l.Unit
			}
		}
		if l.UnitPrice.Given() {
			r.price = m.Paper.price(l.UnitPrice)
		}
		rows[i] = r
	}
	return rows
}

func (m *maker) tableHeads() (quantity, price, tax, amount string) {
	price, amount = m.words.price, m.words.amount
	if m.PricesWithTax {
		price, amount = m.words.priceWithTax, m.words.net
	}
	return m.words.quantity, price, m.words.tax, amount + " (" + m.Currency + ")"
}

// measureGrid gives each column what its widest text needs.
func (m *maker) measureGrid(rows []row) grid {
	quantity, price, tax, amount := m.tableHeads()
	var g grid
	w := &g.widths
	amountWidth := max(m.width(label, amount), m.width(body, m.figure(m.Subtotal)))
	fit := func(to *float64, head, text string, most float64) {
		if text != "" {
			*to = min(most, max(*to, m.width(label, head), m.width(body, m.line(body, text))+0.5))
		}
	}
	for _, r := range rows {
		amountWidth = max(amountWidth, m.width(body, r.amount))
		fit(&w.quantity, quantity, r.quantity, maxQuantity)
		fit(&w.price, price, r.price, maxPrice)
		fit(&w.tax, tax, r.Tax, maxTax)
	}
	end := right
	place := func(width float64) float64 {
		if width == 0 {
			return 0
		}
		at := end
		end -= width + between
		return at
	}
	g.amount = place(amountWidth)
	g.tax, g.price, g.quantity = place(w.tax), place(w.price), place(w.quantity)
	g.item = end - left - 6
	return g
}

// tableHead is drawn above the first row, and again where the table goes on.
func (m *maker) tableHead(g grid) strip {
	quantity, price, tax, amount := m.tableHeads()
	items := []item{{style: label, text: m.line(label, m.words.item), x: left}}
	for _, head := range []struct {
		at   float64
		text string
	}{{g.quantity, quantity}, {g.price, price}, {g.tax, tax}, {g.amount, amount}} {
		if head.at > 0 {
			items = append(items, item{style: label, text: m.line(label, head.text), x: head.at, right: true})
		}
	}
	return strip{height: 17, table: true, glue: true, draw: func(c *canvas, y float64) {
		for _, i := range items {
			i.draw(c, y)
		}
		c.rule(left, y+16, column, 0.8, ink)
	}}
}

// table is the head and all rows. The last strip is glued to what follows, so that the totals never stand alone.
func (m *maker) table(g grid, rows []row) {
	m.add(m.tableHead(g))
	for i := range rows {
		m.add(m.tableRow(g, &rows[i], i == len(rows)-1)...)
	}
}

func (m *maker) tableRow(g grid, r *row, last bool) []strip {
	text := m.flow(body, left, g.item, r.Name)
	under := []string{r.Description, m.words.days(r.ServiceFrom, r.ServiceTo)}
	if r.Discount != "" {
		under = append(under, fmt.Sprintf(m.words.discount, r.Discount))
	}
	text = append(text, m.flow(quiet, left, g.item, under...)...)
	columns := [][]item{text}
	figures := func(at, width float64, text string) {
		if at > 0 {
			cells := m.rightColumn(body, width, text)
			for i := range cells {
				cells[i].x = at
			}
			columns = append(columns, cells)
		}
	}
	figures(g.quantity, g.widths.quantity, r.quantity)
	figures(g.price, g.widths.price, r.price)
	figures(g.tax, g.widths.tax, r.Tax)
	columns = append(columns, []item{{style: body, text: m.line(body, r.amount), x: g.amount, right: true}})

	lines := zip(columns...)
	keep(lines, 6)
	strips := append(append([]strip{gap(4)}, lines...), strip{height: 5, draw: func(c *canvas, y float64) {
		if !last {
			c.rule(left, y+4.5, column, 0.5, faint)
		}
	}})
	strips[0].glue, strips[0].row, strips[0].net = true, true, r.Net
	strips[len(strips)-2].glue = true
	strips[len(strips)-1].glue = last
	for i := range strips {
		strips[i].table = true
	}
	return strips
}

// totals follow the table: a block of labels and figures that ends with what is owed.
func (m *maker) totals() {
	const x = left + 230
	var strips []strip
	add := func(s style, text, figure string, above float64, color rgb) {
		look := s
		cells := m.column(look, x, right-x-150, text)
		lines := zip(cells, []item{{style: look, text: m.line(look, figure), x: right, right: true}})
		if above > 0 {
			strips = append(strips, strip{height: 9, draw: func(c *canvas, y float64) {
				c.rule(x, y+4, right-x, above, color)
			}})
		}
		strips = append(strips, lines...)
		strips = append(strips, gap(3))
	}
	plain := func(text, figure string) { add(body, text, figure, 0, ink) }

	if len(m.Allowances)+len(m.Charges)+len(m.Taxes) > 0 || m.Subtotal != m.Total {
		plain(m.words.subtotal, m.figure(m.Subtotal))
	}
	for _, a := range m.Allowances {
		plain(a.Label, m.figure(-a.Amount))
	}
	for _, c := range m.Charges {
		plain(c.Label, m.figure(c.Amount))
	}
	for _, t := range m.Taxes {
		if !t.Withheld {
			plain(m.taxLabel(t), m.figure(t.Tax))
		}
	}
	// One figure is large: what is owed, where that is less than the total.
	owed := style{semibold, 11, 16, ink}
	if m.Kind == Invoice && m.Due != m.Total {
		add(strong, m.words.total, m.withCurrency(m.Total), 0.5, faint)
	} else {
		add(owed, m.words.total, m.withCurrency(m.Total), 0.8, ink)
	}
	itemised := false
	for _, t := range m.Taxes {
		if t.Withheld {
			plain(m.taxLabel(t), m.figure(-t.Tax))
			itemised = true
		}
	}
	if m.Withheld != 0 && !itemised {
		plain(m.words.withheld, m.figure(-m.Withheld))
	}
	if m.Paid != 0 {
		plain(m.words.paid, m.figure(-m.Paid))
	}
	if m.Kind == Invoice && m.Due != m.Total {
		add(owed, m.words.amountDue, m.withCurrency(m.Due), 0.8, ink)
	}
	for i := range strips[:len(strips)-1] {
		strips[i].glue = true
	}
	m.add(strip{height: 9, glue: true, draw: func(c *canvas, y float64) { c.rule(left, y, column, 0.8, ink) }})
	m.add(strips...)
	m.add(gap(10))
}

func (m *maker) taxLabel(t Tax) string {
	name := t.Label
	if t.Rate.Given() {
		name += " " + fmt.Sprintf(m.words.percent, t.Rate.Trim().Display(m.Locale))
	}
	return fmt.Sprintf(m.words.taxOn, name, m.figure(t.Taxable))
}

// prose is what is said below the figures: reasons, notes, terms.
func (m *maker) prose() {
	for _, reason := range m.Reasons {
		m.paragraph("", reason)
	}
	var parts []string
	for _, x := range m.Instalments {
		parts = append(parts, fmt.Sprintf("%s %s: %s", m.words.due, m.words.days(x.DueOn, x.DueOn), m.figure(x.Amount)))
	}
	m.paragraph(m.words.instalments, strings.Join(parts, "\n"))
	m.paragraph(m.words.notes, m.Notes)
	m.paragraph(m.words.terms, m.Terms)
}

const proseWidth = 400.0

func (m *maker) paragraph(head, text string) {
	lines := zip(m.flow(body, left, proseWidth, text))
	if len(lines) == 0 {
		return
	}
	keep(lines, 4)
	if head != "" {
		m.add(strip{height: 14, glue: true, draw: zip(m.column(label, left, proseWidth, head))[0].draw})
	}
	m.add(lines...)
	m.add(gap(8))
}
