package document

import (
	"fmt"
	"math"
	"slices"

	"github.com/go-pdf/fpdf"
)

// style is how a text looks: weight, size, distance of base lines in points, and colour.
type style struct {
	weight        int
	size, leading float64
	color         rgb
}

type rgb struct{ r, g, b int }

var (
	ink   = rgb{24, 28, 35}
	grey  = rgb{98, 106, 118}
	faint = rgb{224, 227, 232}

	title   = style{semibold, 20, 24, ink}
	name    = style{semibold, 15, 19, ink}
	body    = style{regular, 9, 13, ink}
	strong  = style{semibold, 9, 13, ink}
	quiet   = style{regular, 8, 11.5, grey}
	factKey = style{regular, 8, 13, grey}
	label   = style{regular, 7.5, 11, grey}
	small   = style{regular, 7, 9.5, grey}
	large   = style{semibold, 24, 29, ink}
)

func (s style) in(c rgb) style { s.color = c; return s }

// canvas draws on one document. Texts are prepared first, which notes their characters; when all are known, the pages
// of the typeface are chosen, and then the texts are drawn.
type canvas struct {
	pdf    *fpdf.Fpdf
	layout int
	faces  *[2]weight
	seen   [2]map[rune]bool
	runes  [2][]rune // the same in order of appearance, for nothing may depend on the order of a map
	pages  [2][]*page

	lacking []string // the characters that no font of ours draws

	font  *page // what fpdf has at the moment
	size  float64
	color rgb
}

func newCanvas(pdf *fpdf.Fpdf, faces *[2]weight, layout int) *canvas {
	c := &canvas{pdf: pdf, faces: faces, layout: layout}
	for w := range c.seen {
		c.seen[w] = map[rune]bool{}
	}
	return c
}

// lines prepares a text of any length for a column.
func (c *canvas) lines(s style, text string, width float64) []line {
	return c.noted(s, c.faces[s.weight].set(c.clean(s, text), s.size, width, c.layout))
}

// line prepares a text that stays on one line.
func (c *canvas) line(s style, text string) string {
	for _, line := range c.noted(s, c.faces[s.weight].set(oneLine(c.clean(s, text)), s.size, math.MaxInt32, c.layout)) {
		return line.text
	}
	return ""
}

func (c *canvas) noted(s style, lines []line) []line {
	for _, line := range lines {
		c.note(s, line.text)
	}
	return lines
}

// clean makes a text printable in a style.
func (c *canvas) clean(s style, text string) string {
	if c.layout == 1 {
		return c.faces[s.weight].boxed(text)
	}
	return c.faces[s.weight].clean(text, func(r rune) {
		if name := number(r); !slices.Contains(c.lacking, name) {
			c.lacking = append(c.lacking, name)
		}
	})
}

func (c *canvas) note(s style, text string) {
	seen := c.seen[s.weight]
	for _, r := range text {
		if !seen[r] {
			seen[r] = true
			c.runes[s.weight] = append(c.runes[s.weight], r)
		}
	}
}

func (c *canvas) width(s style, text string) float64 {
	return float64(c.faces[s.weight].measure(text)) * s.size / 1000
}

// chooseFonts ends the preparing.
func (c *canvas) chooseFonts() {
	for w := range c.faces {
		c.pages[w] = c.faces[w].cover(c.runes[w])
		for _, p := range c.pages[w] {
			c.pdf.AddFontFromBytes(p.name, "", p.definition, p.file)
		}
	}
}

func (c *canvas) newPage() {
	c.pdf.AddPage()
	c.font = nil
}

// text draws a prepared line with the top of its line box at y.
func (c *canvas) text(s style, x, y float64, text string) {
	if text == "" {
		return
	}
	if c.color != s.color {
		c.pdf.SetTextColor(s.color.r, s.color.g, s.color.b)
		c.color = s.color
	}
	// Sizes that share a line box share its base line. The conversion forbids fused arithmetic, which rounds
	// differently from one processor to the next.
	base := y + float64(s.leading*0.75)
	pages := c.pages[s.weight]
	current, buf := pages[0], make([]byte, 0, len(text))
	flush := func() {
		if len(buf) > 0 {
			c.run(s, current, x, base, buf)
			for _, b := range buf {
				x += float64(current.widths[b]) * s.size / 1000
			}
			buf = buf[:0]
		}
	}
	instead := forms().typed
	if c.layout == 1 {
		instead = nil
	}
	for _, r := range text {
		code, ok := current.codes[r]
		if !ok {
			flush()
			for _, p := range pages {
				if code, ok = p.codes[r]; ok {
					current = p
					break
				}
			}
			if !ok {
				panic(fmt.Sprintf("%q was drawn before it was prepared", r))
			}
		}
		if letters := []rune(instead[r]); len(letters) > 0 {
			flush()
			x = c.form(s, current, x, base, code, letters)
			continue
		}
		buf = append(buf, code)
	}
	flush()
}

// form draws one glyph of several letters, or of a letter's form, and says what was typed, for those who search or copy.
// Readers of PDF find the letters of right-to-left text from the right, so the glyph stands for the last letter, and the
// others follow it without ink or width.
func (c *canvas) form(s style, p *page, x, base float64, code byte, letters []rune) float64 {
	for n := len(letters) - 1; n >= 0; n-- {
		c.pdf.RawWriteStr(fmt.Sprintf("/Span <</ActualText <FEFF%04X>>> BDC\n", letters[n]))
		if n == len(letters)-1 {
			c.run(s, p, x, base, []byte{code})
			x += float64(p.widths[code]) * s.size / 1000
		} else {
			c.pdf.RawWriteStr(fmt.Sprintf("BT %.2f %.2f Td 3 Tr 1 Tz <%02X> Tj 0 Tr 100 Tz ET\n", x, pageHeight-base, code))
		}
		c.pdf.RawWriteStr("EMC\n")
	}
	return x
}

func (c *canvas) run(s style, p *page, x, base float64, codes []byte) {
	if c.font != p || c.size != s.size {
		c.pdf.SetFont(p.name, "", s.size)
		c.font, c.size = p, s.size
	}
	c.pdf.Text(x, base, string(codes))
}

// right draws a prepared line that ends at x.
func (c *canvas) right(s style, x, y float64, text string) {
	c.text(s, x-c.width(s, text), y, text)
}

// link makes the place of a line clickable.
func (c *canvas) link(s style, x, y float64, text, target string) {
	if target != "" && text != "" {
		c.pdf.LinkString(x, y, c.width(s, text), s.leading, target)
	}
}

// rule draws a horizontal line.
func (c *canvas) rule(x, y, width, thick float64, color rgb) {
	c.pdf.SetDrawColor(color.r, color.g, color.b)
	c.pdf.SetLineWidth(thick)
	c.pdf.Line(x, y, x+width, y)
}

// accent reads #rrggbb and darkens it until text in it is legible on white (4.5 : 1, WCAG 1.4.3). Anything else is ink.
func accent(hex string) rgb {
	var c rgb
	if n, err := fmt.Sscanf(hex, "#%02x%02x%02x", &c.r, &c.g, &c.b); n != 3 || err != nil || len(hex) != 7 {
		return ink
	}
	for c.luminance() > 0.183 {
		c = rgb{c.r * 19 / 20, c.g * 19 / 20, c.b * 19 / 20}
	}
	return c
}

// luminance is the relative luminance of WCAG 2.
func (c rgb) luminance() float64 {
	part := func(v int) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return float64(0.2126*part(c.r)) + float64(0.7152*part(c.g)) + float64(0.0722*part(c.b))
}
