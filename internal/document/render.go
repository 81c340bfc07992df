package document

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-pdf/fpdf"
)

// Render prints a Paper as PDF, A4. The same Paper gives the same bytes. lacking are the characters that are named in it
// because no font of ours draws them, each once, as "U+4E2D". It is an Invalid when the Paper has no date of issue, an unknown
// currency, kind or layout, or a link that is no web address; no text makes it fail.
func Render(p Paper) (pdf []byte, lacking []string, err error) {
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	faces, err := typefaces()
	if err != nil {
		return nil, nil, err
	}
	// fpdf panics where it meets what it does not expect. A document that cannot be printed must not take the
	// process with it.
	defer func() {
		if r := recover(); r != nil {
			pdf, lacking, err = nil, nil, fmt.Errorf("document %s: printing broke off: %v", p.Number, r)
		}
	}()

	f := fpdf.NewCustom(&fpdf.InitType{UnitStr: "pt", SizeStr: "A4"})
	m := &maker{
		Paper:  &p,
		canvas: newCanvas(f, faces, p.Layout),
		words:  wordsOf(p.Locale),
		accent: accent(p.Seller.Accent),
		title:  p.Title,
	}
	if strings.TrimSpace(m.title) == "" {
		m.title = m.words.kind[p.Kind].title
	}
	f.SetMargins(0, 0, 0)
	f.SetAutoPageBreak(false, 0)
	f.SetCatalogSort(true)
	m.inform()
	m.logo = register(f, p.Seller.Logo)

	sheets, ends, err := m.compose()
	if err != nil {
		return nil, nil, err
	}
	// Setting up a compressor costs more than the rest of a page; the fonts, most of the file, are compressed already.
	f.SetCompression(len(sheets) > 2)
	m.chooseFonts()
	for i := range sheets {
		m.newPage()
		ends.draw(m.canvas, i, &sheets[i])
	}
	var out bytes.Buffer
	if err := f.Output(&out); err != nil {
		return nil, nil, fmt.Errorf("document %s: %w", p.Number, err)
	}
	return out.Bytes(), m.lacking, nil
}

func (m *maker) inform() {
	on := time.Date(m.IssuedOn.Year, m.IssuedOn.Month, m.IssuedOn.Day, 0, 0, 0, 0, time.UTC)
	client := m.Client.Company
	if client == "" {
		client = m.Client.Name
	}
	m.pdf.SetCreationDate(on)
	m.pdf.SetModificationDate(on)
	m.pdf.SetLang(m.words.language)
	m.pdf.SetTitle(inform(m.title+" "+m.Number, m.Layout), true)
	m.pdf.SetAuthor(inform(m.Seller.Name, m.Layout), true)
	m.pdf.SetSubject(inform(fmt.Sprintf(m.words.subject, m.title+" "+m.Number, m.Seller.Name, client), m.Layout), true)
	m.pdf.SetCreator("Onebook", true)
}

// compose makes the strips and sets them on pages, and prepares what stands at the edges of each page.
func (m *maker) compose() ([]sheet, *edges, error) {
	m.letterhead()
	m.parties()
	if err := m.headline(); err != nil {
		return nil, nil, err
	}
	rows := m.rows()
	g := m.measureGrid(rows)
	e := m.edges(g)
	if len(rows) > 0 {
		m.table(g, rows)
	}
	m.totals()
	m.prose()
	if e.spill != "" {
		m.paragraph("", e.spill)
	}
	for n := len(m.strips); n > 1 && m.strips[n-1].blank; n-- {
		m.strips = m.strips[:n-1]
	}
	sheets := paginate(m.strips, frame{bottom: e.bottom, head: e.head.height, carry: carryHeight, continuation: topNext})
	e.prepare(m, sheets)
	return sheets, e, nil
}
