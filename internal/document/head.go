package document

import (
	"fmt"
	"strings"
)

// item is a line of text at a place: x is its left end, or its right end when right is set.
type item struct {
	style style
	text  string
	x     float64
	right bool
	link  string
}

func (i item) draw(c *canvas, y float64) {
	x := i.x
	if i.right {
		x -= c.width(i.style, i.text)
	}
	c.text(i.style, x, y, i.text)
	c.link(i.style, x, y, i.text, i.link)
}

// zip sets columns side by side: strip n has the n-th line of each.
func zip(columns ...[]item) []strip {
	rows := 0
	for _, column := range columns {
		rows = max(rows, len(column))
	}
	strips := make([]strip, rows)
	for n := range strips {
		var row []item
		for _, column := range columns {
			if n < len(column) {
				row = append(row, column[n])
				strips[n].height = max(strips[n].height, column[n].style.leading)
			}
		}
		strips[n].draw = func(c *canvas, y float64) {
			for _, i := range row {
				i.draw(c, y)
			}
		}
	}
	return strips
}

// maker turns a Paper into strips.
type maker struct {
	*Paper
	*canvas
	words  *words
	accent rgb
	logo   *picture
	title  string // as it stands on the document
	strips []strip
}

func (m *maker) add(strips ...strip) { m.strips = append(m.strips, strips...) }

func (m *maker) column(s style, x, width float64, texts ...string) []item {
	var items []item
	for _, text := range texts {
		for _, line := range m.lines(s, text, width) {
			items = append(items, item{style: s, text: line.text, x: x})
		}
	}
	return items
}

// flow is a column whose paragraphs begin where their reader begins: on the right where they run from right to left.
func (m *maker) flow(s style, x, width float64, texts ...string) []item {
	var items []item
	for _, text := range texts {
		for _, line := range m.lines(s, text, width) {
			i := item{style: s, text: line.text, x: x, right: line.right}
			if line.right {
				i.x += width
			}
			items = append(items, i)
		}
	}
	return items
}

// letterhead is the logo or the name of the seller, and what the document is.
func (m *maker) letterhead() {
	width := 220.0
	var seller []item
	if m.logo == nil {
		seller = m.column(name, left, column-width-20, m.Seller.Name)
	}
	what := append(m.rightColumn(title, width, m.title), m.rightColumn(body.in(grey), width, m.Number)...)
	strips := zip(seller, what)
	height := 0.0
	for _, s := range strips {
		height += s.height
	}
	if m.logo != nil && len(strips) > 0 {
		text := strips[0].draw
		strips[0].draw = func(c *canvas, y float64) {
			m.logo.draw(c, left, y)
			text(c, y)
		}
		if m.logo.height > height {
			strips = append(strips, gap(m.logo.height-height))
			height = m.logo.height
		}
	}
	keep(strips, 8)
	m.add(strips...)
	m.add(gap(max(14, 58-height)))
}

func (m *maker) rightColumn(s style, width float64, text string) []item {
	items := m.column(s, right, width, text)
	for i := range items {
		items[i].right = true
	}
	return items
}

// parties are client, seller and the facts of the document, side by side.
func (m *maker) parties() {
	const clientWidth, sellerX, sellerWidth, factsX = 160.0, left + 172, 132.0, left + 320
	client := m.column(label, left, clientWidth, m.words.kind[m.Kind].client)
	if m.Client.Company != "" {
		client = append(client, m.column(strong, left, clientWidth, m.Client.Company)...)
		client = append(client, m.column(body, left, clientWidth, m.Client.Name)...)
	} else {
		client = append(client, m.column(strong, left, clientWidth, m.Client.Name)...)
	}
	client = append(client, m.column(body, left, clientWidth, m.Client.Address...)...)
	client = append(client, m.column(body.in(grey), left, clientWidth, m.id(m.Client.TaxID))...)

	s := &m.Seller
	seller := m.column(label, sellerX, sellerWidth, m.words.from)
	seller = append(seller, m.column(strong, sellerX, sellerWidth, s.Name)...)
	seller = append(seller, m.column(body, sellerX, sellerWidth, s.Address...)...)
	seller = append(seller, m.column(body.in(grey), sellerX, sellerWidth, m.id(s.TaxID), s.Phone)...)
	seller = append(seller, linked(m.column(body.in(grey), sellerX, sellerWidth, s.Email), mailLink(s.Email))...)
	seller = append(seller, linked(m.column(body.in(grey), sellerX, sellerWidth, s.Website), website(s.Website))...)

	keys, values := m.facts(factsX)
	strips := zip(client, seller, keys, values)
	keep(strips, 16)
	m.add(strips...)
	m.add(gap(18))
}

func linked(items []item, link string) []item {
	for i := range items {
		items[i].link = link
	}
	return items
}

func (m *maker) id(id string) string {
	if id == "" {
		return ""
	}
	return m.words.idLabel(id) + " " + id
}

// facts are dates and references: the name on the left, the value on the right.
func (m *maker) facts(x float64) (keys, values []item) {
	w := m.words
	service := w.service
	if !m.ServiceFrom.IsZero() && !m.ServiceTo.IsZero() && m.ServiceFrom != m.ServiceTo {
		service = w.period
	}
	// The first line stands beside the labels of the two parties.
	keys, values = []item{{style: label}}, []item{{style: label}}
	for _, fact := range [][2]string{
		{w.issued, w.days(m.IssuedOn, m.IssuedOn)},
		{w.due, w.days(m.DueOn, m.DueOn)},
		{w.valid, w.days(m.ValidUntil, m.ValidUntil)},
		{service, w.days(m.ServiceFrom, m.ServiceTo)},
		{w.refers, m.Refers},
		{w.buyerReference, m.BuyerReference},
		{w.purchaseOrder, m.PurchaseOrder},
		{w.reference, m.Reference},
	} {
		if fact[1] == "" {
			continue
		}
		key := m.column(factKey, x, right-x, fact[0])
		value := m.rightColumn(body, right-x-m.width(factKey, fact[0])-8, fact[1])
		for n := range max(len(key), len(value)) {
			keys, values = append(keys, at(key, n)), append(values, at(value, n))
		}
	}
	return keys, values
}

func at(items []item, n int) item {
	if n < len(items) {
		return items[n]
	}
	return item{style: body}
}

// headline is the one figure that counts, until when, and the way to pay it.
func (m *maker) headline() error {
	amount, by := m.Due, ""
	if m.Kind != Invoice {
		amount = m.Total
	}
	switch {
	case m.Kind == Invoice && m.Due <= 0 && m.Paid > 0:
		by = m.words.paidInFull
	case m.Kind == Invoice && m.Due > 0 && !m.DueOn.IsZero():
		by = fmt.Sprintf(m.words.dueBy, m.words.days(m.DueOn, m.DueOn))
	case m.Kind == Estimate && !m.ValidUntil.IsZero():
		by = m.words.valid + " " + m.words.days(m.ValidUntil, m.ValidUntil)
	}
	room, height := column, 70.0
	var code *code
	var pay, hint string
	paying, hinting := style{semibold, 10, 14, m.accent}, quiet
	if m.PayURL != "" {
		var err error
		if code, err = encode(m.PayURL); err != nil {
			return err
		}
		pay = m.words.viewOnline
		switch {
		case m.Kind == Invoice && m.Due > 0:
			pay = m.words.payOnline
		case m.Kind == Estimate:
			pay = m.words.acceptOnline
		}
		pay, hint = m.line(paying, pay), m.line(hinting, m.words.scan)
		room, height = column-codeSize-16-m.width(hinting, hint)-16, codeSize+16
	}
	head, figure := m.line(label, m.words.kind[m.Kind].headline), m.line(large, m.withCurrency(amount))
	look := large.in(m.accent)
	if wide := m.width(large, figure); wide > room {
		look.size *= room / wide
	}
	by = m.line(body, by)
	m.add(strip{height: height, draw: func(c *canvas, y float64) {
		c.rule(left, y, column, 0.5, faint)
		c.rule(left, y+height, column, 0.5, faint)
		top := y + (height-54)/2
		c.text(label, left, top, head)
		c.text(look, left, top+10, figure)
		c.text(body, left, top+40, by)
		if code == nil {
			return
		}
		x := right - codeSize
		code.draw(c, x, y+8)
		c.pdf.LinkString(x, y+8, codeSize, codeSize, m.PayURL)
		c.right(paying, x-16, y+height/2-14, pay)
		c.link(paying, x-16-c.width(paying, pay), y+height/2-14, pay, m.PayURL)
		c.right(hinting, x-16, y+height/2, hint)
	}})
	if err := m.transfer(); err != nil {
		return err
	}
	m.add(gap(12))
	return nil
}

// transfer is how to pay by bank: the account, what to quote, and the code for a banking app below the one of the link.
func (m *maker) transfer() error {
	t := m.Transfer
	if t == nil || m.Kind != Invoice || m.Due <= 0 {
		return nil
	}
	var code *code
	hinting, hint, room := quiet, "", column-90.0
	if t.Code != "" {
		var err error
		if code, err = encode(t.Code); err != nil {
			return err
		}
		hint = m.line(hinting, m.words.scanBank)
		room -= codeSize + 16 + m.width(hinting, hint) + 16
	}
	bank := t.BIC
	if t.Bank != "" {
		bank = strings.TrimPrefix(bank+" · "+t.Bank, " · ")
	}
	keys, values := m.column(label, left, column, m.words.transfer), []item{{style: label}}
	for _, fact := range [][2]string{
		{m.words.holder, t.Holder}, {"IBAN", groups(t.IBAN)}, {m.words.bank, bank}, {m.words.reference, t.Reference},
	} {
		key, value := m.column(factKey, left, room, fact[0]), m.column(body, left+90, room, fact[1])
		for n := range value {
			keys, values = append(keys, at(key, n)), append(values, value[n])
		}
	}
	rows := zip(keys, values)
	height := 0.0
	for _, r := range rows {
		height += r.height
	}
	top := 8.0
	if code != nil && height < codeSize {
		top, height = 8+(codeSize-height)/2, codeSize
	}
	height += 16
	m.add(strip{height: height, draw: func(c *canvas, y float64) {
		c.rule(left, y+height, column, 0.5, faint)
		at := y + top
		for _, r := range rows {
			r.draw(c, at)
			at += r.height
		}
		if code == nil {
			return
		}
		x := right - codeSize
		code.draw(c, x, y+8)
		c.right(hinting, x-16, y+height/2-6, hint)
	}})
	return nil
}

// groups sets an IBAN in groups of four, as ISO 13616 prints it.
func groups(iban string) string {
	var b strings.Builder
	for i, r := range iban {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
